#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/core.h"
#include "async/task.h"
#include "base/strings.h"
#include "net/network.h"
#include "upstream/endpoint.h"
#include "upstream/limits.h"

namespace vallum::tls {
struct PerCore;
}

namespace vallum::upstream {

class Pool;

struct PoolCounters {
  std::uint64_t opened = 0;
  std::uint64_t reused = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t refused_at_limit = 0;
  // Idle connections that the other side closed, or wrote to unasked.
  std::uint64_t idle_lost = 0;
  std::uint64_t idle_timed_out = 0;
  std::size_t open = 0;
  std::size_t idle = 0;
};

// A connection lent by the pool. Destroying it closes the connection; keep() gives it back. The
// pool outlives it. Moved, not copied.
class Lease {
 public:
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  net::Stream& stream() const;
  // It has carried an exchange before, so the server may have closed it meanwhile: a failure before
  // the first byte of the answer says nothing about the server. Ask again with Reuse::Never when
  // the request can be sent again.
  bool is_reused() const;
  // "ADDRESS:PORT" that it is connected to. Until the lease ends.
  const std::string& peer() const;

  // Back to the pool. Requires that the answer was read to its end and that both sides allow
  // another exchange on the connection.
  void keep() &&;

 private:
  friend class Pool;
  struct Connection;
  struct Site;
  explicit Lease(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

// One core's connections to applications, kept alive between exchanges.
//
//   CO_TRY(Lease lease, co_await pool.lease(&target, Reuse::Allowed, deadline));
//   ... one exchange over lease.stream() ...
//   std::move(lease).keep();
//
// The endpoint is chosen by turns; one that cannot be connected to is left out for a while and the
// next one is tried. The connection used last is lent first. Home core only.
class Pool {
 public:
  enum class Reuse : std::uint8_t { Allowed, Never };

  // All outlive the pool, and no lease does.
  struct Parts {
    async::Core& core;
    net::Network& network;
    net::Resolver& resolver;
    tls::PerCore& tls;
  };
  Pool(const Parts& parts, const Limits& limits);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  // An idle connection to the endpoint whose turn it is, if there is one: lease() without waiting.
  // Never allocates once the endpoint is known.
  std::optional<Lease> reuse(const Target& target);
  // An idle connection or a new one. Returns Unavailable or DeadlineExceeded with the last
  // endpoint's reason, ResourceExhausted when every endpoint is at its limit. `target` lives until
  // it returns.
  Async<Lease> lease(const Target* target, Reuse reuse, Deadline deadline);

  // Closes all idle connections: for draining.
  void close_idle();
  const PoolCounters& counters() const { return counters_; }

 private:
  friend class Lease;
  using Connection = Lease::Connection;
  using Site = Lease::Site;
  class Sweep;

  Site* find_site(const std::string& key);
  Site& ensure_site(const Target& target, std::size_t index);
  // Which endpoint's turn it is.
  std::size_t turn(const Target& target);
  void end_turn(const Target& target);
  std::unique_ptr<Connection> take_idle(Site& site);
  Async<Lease> open(Site* site, Deadline deadline);
  Async<std::unique_ptr<net::Stream>> connect(Endpoint endpoint, Deadline deadline);
  Async<std::unique_ptr<net::Stream>> connect_plain(std::string host,
                                                    std::uint16_t port,
                                                    Deadline deadline);
  void take_back(std::unique_ptr<Connection> connection);
  void sweep();
  void sweep_site(Site& site);

  async::Core& core_;
  net::Network& network_;
  net::Resolver& resolver_;
  tls::PerCore& tls_;
  Limits limits_;
  PoolCounters counters_;
  std::uint64_t leases_asked_ = 0;
  std::unordered_map<std::string, std::unique_ptr<Site>, StringHash, std::equal_to<>> sites_;
  std::unique_ptr<Sweep> sweep_;
};

}  // namespace vallum::upstream
