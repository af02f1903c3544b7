#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/core.h"
#include "base/unique_function.h"
#include "net/network.h"
#include "support/sim/memory_stream.h"

namespace vallum::testing {

class SimListener;

// The wires between the cores of a simulation, and what is wrong with them. One thread.
class SimWires {
 public:
  // Until a connection is made, and what each end sees late.
  Duration connect_latency = std::chrono::milliseconds(1);
  // Sees each new connection before either end does: to inject faults.
  UniqueFunction<void(net::SocketAddress, MemoryStream::Pair&)> on_connect;

  // Connecting there is refused, or gets no answer at all, from now on.
  void refuse(net::SocketAddress address) { refused_.insert(address); }
  void silence(net::SocketAddress address) { silent_.insert(address); }
  void heal(net::SocketAddress address);

  std::size_t connections_made() const { return connections_made_; }
  bool is_silent(net::SocketAddress address) const { return silent_.contains(address); }
  // Gives the server end to a listener of the address, by turns; returns the client end.
  Result<std::unique_ptr<net::Stream>> establish(async::Core& client_core,
                                                 net::SocketAddress address);

 private:
  friend class SimNetwork;
  friend class SimListener;

  struct Port {
    std::vector<SimListener*> listeners;
    std::size_t turn = 0;
  };
  Port* find_port(net::SocketAddress address);

  std::map<net::SocketAddress, Port> ports_;
  std::set<net::SocketAddress> refused_;
  std::set<net::SocketAddress> silent_;
  std::size_t connections_made_ = 0;
  std::uint16_t next_port_ = 20000;
};

// A core's network in a simulation: streams in memory over the wires.
class SimNetwork final : public net::Network {
 public:
  // Both outlive this.
  SimNetwork(async::Core& core, SimWires& wires) : core_(core), wires_(wires) {}

  Result<std::unique_ptr<net::Listener>> listen(net::SocketAddress address,
                                                net::ListenOptions options) override;
  Async<std::unique_ptr<net::Stream>> connect(net::SocketAddress address,
                                              Deadline deadline) override;

 private:
  async::Core& core_;
  SimWires& wires_;
};

// Answers from a table. Names that are not in it are NotFound.
class SimResolver final : public net::Resolver {
 public:
  explicit SimResolver(async::Core& core) : core_(core) {}

  void set(std::string host, std::vector<IpAddress> addresses);
  // Nobody can tell, until cleared.
  void break_down(bool down) { down_ = down; }
  Duration latency = std::chrono::milliseconds(1);

  Async<std::vector<IpAddress>> resolve(std::string host, Deadline deadline) override;

 private:
  async::Core& core_;
  std::map<std::string, std::vector<IpAddress>> hosts_;
  bool down_ = false;
};

}  // namespace vallum::testing
