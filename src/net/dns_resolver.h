#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "async/core.h"
#include "net/network.h"

namespace vallum::net {

struct DnsOptions {
  // "ADDRESS:PORT" of the only server to ask, instead of those of /etc/resolv.conf. For tests.
  std::string server;
  // Answers kept; beyond it the one that expires first goes.
  std::size_t names_max = 1024;
  // An answer's time to live is brought between these.
  Duration keep_min = std::chrono::seconds(5);
  Duration keep_max = std::chrono::minutes(5);
  Duration keep_not_found = std::chrono::seconds(5);
  // How long an expired answer still serves when no server tells a newer one.
  Duration keep_stale = std::chrono::minutes(10);
  // Before the first repetition of a question, and how often it is asked.
  Duration try_timeout = std::chrono::seconds(2);
  int tries = 3;
};

// Asks the system's name servers, and /etc/hosts before them, without blocking the core. Answers
// are kept for their time to live; questions for one name that come together are asked once; IPv4
// addresses come before IPv6 ones. A change of /etc/resolv.conf is noticed.
class DnsResolver final : public Resolver {
 public:
  // Fails when the resolver library cannot start. `core` outlives this, and no resolve() is under
  // way when it is destroyed.
  static Result<std::unique_ptr<DnsResolver>> create(async::Core& core, DnsOptions options);
  ~DnsResolver() override;

  Async<std::vector<IpAddress>> resolve(std::string host, Deadline deadline) override;

  // Questions sent to name servers or read from files, answered or not.
  std::size_t questions() const;

 private:
  class Native;
  explicit DnsResolver(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::net
