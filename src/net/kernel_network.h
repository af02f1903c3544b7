#pragma once

#include <memory>
#include <string>

#include "async/core.h"
#include "net/network.h"

namespace vallum::net {

// TCP of the kernel on one core's reactor.
class KernelNetwork final : public Network {
 public:
  // `core` outlives this.
  explicit KernelNetwork(async::Core& core) : core_(core) {}

  Result<std::unique_ptr<Listener>> listen(SocketAddress address, ListenOptions options) override;
  // A socket of this machine at that path, for this user alone; what is there is replaced. Fails
  // with text that names the path.
  Result<std::unique_ptr<Listener>> listen_local(const std::string& path);
  Async<std::unique_ptr<Stream>> connect(SocketAddress address, Deadline deadline) override;

 private:
  async::Core& core_;
};

}  // namespace vallum::net
