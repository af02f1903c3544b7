#include "upstream/pool.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "tls/client_context.h"
#include "tls/tls_stream.h"

namespace vallum::upstream {
namespace {

// Lost and expired idle connections are noticed at the latest after this; a lease notices at once.
constexpr Duration kSweepEvery = std::chrono::seconds(1);
// An endpoint without connections is forgotten after this.
constexpr Duration kForgetAfter = std::chrono::minutes(10);
// Of the connect timeout, what every address but the last gets at least.
constexpr Duration kAddressTimeoutMin = std::chrono::seconds(2);

// An idle connection must have nothing to say. Looking costs no system call unless there is
// something; a TLS stream may consume records (session tickets) and still have nothing for us.
bool is_quiet(net::Stream& stream) {
  if (!stream.may_read()) {
    return !stream.is_closed();
  }
  std::array<std::byte, 1> byte{};
  return stream.try_read(byte).status == net::IoResult::Status::WouldBlock;
}

}  // namespace

struct Lease::Connection {
  Connection(Pool& owner, Site& at, std::unique_ptr<net::Stream> connected, Instant now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Pool& pool;
  Site& site;
  std::unique_ptr<net::Stream> stream;
  std::string peer;
  Instant opened_at;
  Instant idle_since;
  bool reused = false;
};

// The connections to one endpoint. Lives while any of them, or an attempt to open one, does.
struct Lease::Site {
  Endpoint endpoint;
  std::vector<std::unique_ptr<Connection>> idle;  // the one used last at the back
  std::size_t open = 0;                           // idle, leased and being opened
  std::size_t turns = 0;                          // of targets whose first endpoint this is
  std::uint64_t tried_by = 0;                     // the lease that tried it last
  Instant avoid_until;
  Instant used_at;
};

Lease::Connection::Connection(Pool& owner,
                              Site& at,
                              std::unique_ptr<net::Stream> connected,
                              Instant now)
    : pool(owner), site(at), stream(std::move(connected)), opened_at(now), idle_since(now) {}

Lease::Connection::~Connection() {
  --site.open;
  --pool.counters_.open;
}

Lease::Lease(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Lease::Lease(Lease&&) noexcept = default;

Lease::~Lease() = default;

Lease& Lease::operator=(Lease&& other) noexcept = default;

net::Stream& Lease::stream() const {
  return *connection_->stream;
}

bool Lease::is_reused() const {
  return connection_->reused;
}

const std::string& Lease::peer() const {
  return connection_->peer;
}

void Lease::keep() && {
  Pool& pool = connection_->pool;
  pool.take_back(std::move(connection_));
}

class Pool::Sweep final : public async::Timer {
 public:
  explicit Sweep(Pool& pool) : pool_(pool) {}

 private:
  void fired() override { pool_.sweep(); }
  Pool& pool_;
};

Pool::Pool(const Parts& parts, const Limits& limits)
    : core_(parts.core),
      network_(parts.network),
      resolver_(parts.resolver),
      tls_(parts.tls),
      limits_(limits),
      sweep_(std::make_unique<Sweep>(*this)) {}

Pool::~Pool() {
  close_idle();
  CHECK(counters_.open == 0);
}

Pool::Site* Pool::find_site(const std::string& key) {
  const auto found = sites_.find(key);
  return found == sites_.end() ? nullptr : found->second.get();
}

Pool::Site& Pool::ensure_site(const Target& target, std::size_t index) {
  std::unique_ptr<Site>& site = sites_[target.key(index)];
  if (site == nullptr) {
    site = std::make_unique<Site>();
    site->endpoint = target.endpoint(index);
  }
  site->used_at = core_.now();
  return *site;
}

std::size_t Pool::turn(const Target& target) {
  return target.size() == 1 ? 0 : ensure_site(target, 0).turns % target.size();
}

void Pool::end_turn(const Target& target) {
  if (target.size() > 1) {
    ++ensure_site(target, 0).turns;
  }
}

std::unique_ptr<Pool::Connection> Pool::take_idle(Site& site) {
  while (!site.idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(site.idle.back());
    site.idle.pop_back();
    --counters_.idle;
    if (is_quiet(*connection->stream)) {
      connection->reused = true;
      ++counters_.reused;
      return connection;
    }
    ++counters_.idle_lost;
  }
  return nullptr;
}

std::optional<Lease> Pool::reuse(const Target& target) {
  DCHECK(core_.on_home_core());
  DCHECK(target.size() > 0);
  Site* site = find_site(target.key(turn(target)));
  if (site == nullptr) {
    return std::nullopt;
  }
  std::unique_ptr<Connection> connection = take_idle(*site);
  if (connection == nullptr) {
    return std::nullopt;  // the turn is not over: lease() opens one there
  }
  end_turn(target);
  return Lease(std::move(connection));
}

Async<Lease> Pool::lease(const Target* target, Reuse reuse, Deadline deadline) {
  DCHECK(core_.on_home_core());
  DCHECK(target->size() > 0);
  const std::uint64_t number = ++leases_asked_;
  const std::size_t first = turn(*target);
  end_turn(*target);
  Error last(ErrorKind::Unavailable, "no endpoint");
  // The first round leaves out those that refused lately; the second tries them after all.
  for (const bool avoided : {false, true}) {
    for (std::size_t i = 0; i < target->size(); ++i) {
      Site& site = ensure_site(*target, (first + i) % target->size());
      if (site.tried_by == number || (!avoided && core_.now() < site.avoid_until)) {
        continue;
      }
      site.tried_by = number;
      if (reuse == Reuse::Allowed) {
        if (auto connection = take_idle(site)) {
          co_return Lease(std::move(connection));
        }
      }
      Result<Lease> opened = co_await open(&site, deadline);
      if (opened) {
        co_return opened;
      }
      last = std::move(opened).error();
      if (deadline.has_passed(core_.clock())) {
        co_return fail(std::move(last));
      }
    }
  }
  co_return fail(std::move(last));
}

Async<Lease> Pool::open(Site* site, Deadline deadline) {
  if (site->open >= limits_.connections_per_endpoint_max) {
    ++counters_.refused_at_limit;
    co_return fail(ErrorKind::ResourceExhausted,
                   "too many connections to " + site->endpoint.text());
  }
  // Counted while it is being opened, and given up by the Connection's destructor.
  ++site->open;
  ++counters_.open;
  auto connection = std::make_unique<Connection>(*this, *site, nullptr, core_.now());
  const Deadline until = deadline.earlier(core_.deadline_in(limits_.connect_timeout));
  Result<std::unique_ptr<net::Stream>> stream = co_await connect(site->endpoint, until);
  if (!stream) {
    ++counters_.connect_failures;
    if (!deadline.has_passed(core_.clock())) {
      site->avoid_until = core_.now() + limits_.avoid_after_failure;
      if (stream.error().kind() == ErrorKind::DeadlineExceeded) {
        // The request has time left: it is the endpoint that is slow.
        co_return fail(ErrorKind::Unavailable, std::string(stream.error().message()));
      }
    }
    co_return fail(std::move(stream).error());
  }
  ++counters_.opened;
  site->avoid_until = {};
  connection->stream = *std::move(stream);
  connection->peer = connection->stream->peer_address().text();
  co_return Lease(std::move(connection));
}

Async<std::unique_ptr<net::Stream>> Pool::connect(Endpoint endpoint, Deadline deadline) {
  CO_TRY(auto plain, co_await connect_plain(endpoint.host, endpoint.port, deadline));
  if (endpoint.tls == nullptr) {
    co_return plain;
  }
  Result<std::unique_ptr<tls::TlsStream>> secured = co_await tls::connect(
      std::move(plain), endpoint.tls, endpoint.server_name(), &tls_, deadline);
  if (!secured) {
    co_return fail(secured.error().with_context(endpoint.text()));
  }
  co_return *std::move(secured);
}

Async<std::unique_ptr<net::Stream>> Pool::connect_plain(std::string host,
                                                        std::uint16_t port,
                                                        Deadline deadline) {
  CO_TRY(const std::vector<IpAddress> addresses, co_await resolver_.resolve(host, deadline));
  Error last(ErrorKind::Unavailable, "no address");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    Deadline until = deadline;
    const auto others = static_cast<std::int64_t>(addresses.size() - i - 1);
    if (others > 0) {
      const Duration share = deadline.left(core_.clock()) / (others + 1);
      until = deadline.earlier(core_.deadline_in(std::max(share, kAddressTimeoutMin)));
    }
    const net::SocketAddress address{.ip = addresses[i], .port = port};
    Result<std::unique_ptr<net::Stream>> stream = co_await network_.connect(address, until);
    if (stream) {
      co_return stream;
    }
    last = std::move(stream).error();
    if (deadline.has_passed(core_.clock())) {
      break;
    }
  }
  co_return fail(std::move(last));
}

void Pool::take_back(std::unique_ptr<Connection> connection) {
  DCHECK(core_.on_home_core());
  Site& site = connection->site;
  const Instant now = core_.now();
  if (site.idle.size() >= limits_.idle_per_endpoint_max ||
      now - connection->opened_at >= limits_.age_max || connection->stream->is_closed()) {
    return;
  }
  connection->idle_since = now;
  site.used_at = now;
  site.idle.push_back(std::move(connection));
  ++counters_.idle;
  if (!sweep_->is_armed()) {
    core_.arm(*sweep_, now + kSweepEvery);
  }
}

void Pool::sweep() {
  for (auto entry = sites_.begin(); entry != sites_.end();) {
    Site& site = *entry->second;
    sweep_site(site);
    const bool forgotten = site.open == 0 && core_.now() - site.used_at >= kForgetAfter;
    entry = forgotten ? sites_.erase(entry) : std::next(entry);
  }
  if (counters_.idle > 0) {
    core_.arm(*sweep_, core_.now() + kSweepEvery);
  }
}

void Pool::sweep_site(Site& site) {
  const Instant now = core_.now();
  std::erase_if(site.idle, [&](const std::unique_ptr<Connection>& connection) {
    const bool lost = !is_quiet(*connection->stream);
    const bool expired = now - connection->idle_since >= limits_.idle_timeout;
    counters_.idle_lost += lost ? 1 : 0;
    counters_.idle_timed_out += expired && !lost ? 1 : 0;
    counters_.idle -= lost || expired ? 1 : 0;
    return lost || expired;
  });
}

void Pool::close_idle() {
  for (auto& [key, site] : sites_) {
    counters_.idle -= site->idle.size();
    site->idle.clear();
  }
}

}  // namespace vallum::upstream
