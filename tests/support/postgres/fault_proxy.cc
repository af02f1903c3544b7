#include "support/postgres/fault_proxy.h"

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"

namespace vallum::testing {
namespace {

sockaddr_un socket_address(const std::string& directory, unsigned short port) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory + "/.s.PGSQL." + std::to_string(port);
  CHECK(path.size() < sizeof address.sun_path);
  std::ranges::copy(path, static_cast<char*>(address.sun_path));
  return address;
}

int open_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  return fd;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// The unnamed portal bound to the prepared statement "commit".
constexpr std::string_view kCommitRequest("\0commit\0", 8);
constexpr std::string_view kCommitAnswer("COMMIT\0", 7);

// One connection through the proxy.
class Wire {
 public:
  // Keeps both.
  Wire(int client, int server) : client_(client), server_(server) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    // The client is told by a reset, not by an orderly end.
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(client_);
    ::close(server_);
  }

  int client() const { return client_; }
  int server() const { return server_; }
  bool is_frozen() const { return is_frozen_; }
  void freeze() { is_frozen_ = true; }
  // For later.
  void keep(int to, std::string_view bytes) {
    kept_to_ = to;
    kept_ = bytes;
  }
  bool go_on() {
    is_frozen_ = false;
    return write_all(kept_to_, std::exchange(kept_, {}));
  }

 private:
  int client_;
  int server_;
  bool is_frozen_ = false;
  int kept_to_ = -1;
  std::string kept_;
};

}  // namespace

struct FaultProxy::Native {
  void work();
  void accept_one();
  bool turn(Wire& wire, short client_events, short server_events);
  bool pump(Wire& wire, int from, int to);
  std::optional<Fault> fault_for(bool to_server, std::string_view bytes);
  bool apply(Fault what, Wire& wire, int to, std::string_view bytes);
  void wake() const { CHECK(::write(waking[1], "", 1) == 1); }

  sockaddr_un server{};
  int listener = -1;
  unsigned short port = 0;
  std::array<int, 2> waking{};
  // Guards everything below; the thread lets go of it only while it waits.
  std::mutex mutex;
  std::uint64_t orders = 0;  // how often somebody else changed the wires
  bool is_ending = false;
  std::list<Wire> wires;
  std::optional<Fault> of_all;  // CutAll or FreezeAll
  std::optional<Moment> moment;
  int pieces_left = 0;  // 0: not counting
  Fault fault = Fault::Cut;
  bool failed = false;
  int delay_millis = 0;
  std::thread thread;
};

std::optional<FaultProxy::Fault> FaultProxy::Native::fault_for(bool to_server,
                                                               std::string_view bytes) {
  const bool is_moment =
      (moment == Moment::CommitRequest && to_server && bytes.contains(kCommitRequest)) ||
      (moment == Moment::CommitAnswer && !to_server && bytes.contains(kCommitAnswer));
  const bool is_piece = pieces_left == 1;
  pieces_left -= pieces_left > 0 ? 1 : 0;
  if (!is_moment && !is_piece) {
    return std::nullopt;
  }
  moment.reset();
  failed = true;
  return fault;
}

// Returns whether the wire is still there.
bool FaultProxy::Native::apply(Fault what, Wire& wire, int to, std::string_view bytes) {
  if (what == Fault::CutAll || what == Fault::FreezeAll) {
    of_all = what;
  }
  if (what == Fault::Cut || what == Fault::CutAll) {
    return false;
  }
  wire.keep(to, bytes);
  wire.freeze();
  return true;
}

// Returns whether the wire is still there.
bool FaultProxy::Native::pump(Wire& wire, int from, int to) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got <= 0) {
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (const auto what = fault_for(to == wire.server(), bytes)) {
    return apply(*what, wire, to, bytes);
  }
  ::poll(nullptr, 0, delay_millis);
  return write_all(to, bytes);
}

bool FaultProxy::Native::turn(Wire& wire, short client_events, short server_events) {
  if (of_all == Fault::CutAll) {
    return false;
  }
  bool goes_on = client_events == 0 || pump(wire, wire.client(), wire.server());
  if (goes_on && server_events != 0 && !wire.is_frozen() && !of_all) {
    goes_on = pump(wire, wire.server(), wire.client());
  }
  return goes_on;
}

void FaultProxy::Native::accept_one() {
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  Wire& wire = wires.emplace_back(client, open_socket(AF_UNIX));
  if (of_all == Fault::CutAll ||
      ::connect(wire.server(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
    wires.pop_back();
  }
}

void FaultProxy::Native::work() {
  std::unique_lock lock(mutex);
  while (!is_ending) {
    std::vector<pollfd> waiting = {{.fd = waking[0], .events = POLLIN, .revents = 0},
                                   {.fd = listener, .events = POLLIN, .revents = 0}};
    for (const Wire& wire : wires) {
      const bool is_frozen = wire.is_frozen() || of_all == Fault::FreezeAll;
      // poll() leaves out what is negative; an end that was closed is not told either.
      waiting.push_back({.fd = is_frozen ? -1 : wire.client(), .events = POLLIN, .revents = 0});
      waiting.push_back({.fd = is_frozen ? -1 : wire.server(), .events = POLLIN, .revents = 0});
    }
    const std::uint64_t orders_before = orders;
    lock.unlock();
    const int ready = ::poll(waiting.data(), waiting.size(), -1);
    lock.lock();
    if (ready < 0) {
      continue;
    }
    if (waiting[0].revents != 0) {
      char byte = 0;
      CHECK(::read(waking[0], &byte, 1) == 1);
    }
    if (orders != orders_before) {
      continue;  // the wires are no longer those that were waited for
    }
    auto wire = wires.begin();
    for (std::size_t at = 2; at < waiting.size(); at += 2) {
      const bool goes_on = turn(*wire, waiting[at].revents, waiting[at + 1].revents);
      wire = goes_on ? std::next(wire) : wires.erase(wire);
    }
    if (of_all == Fault::CutAll) {
      wires.clear();
    }
    if (waiting[1].revents != 0) {
      accept_one();
    }
  }
}

FaultProxy::FaultProxy(const std::string& server_directory, unsigned short port)
    : native_(std::make_unique<Native>()) {
  native_->server = socket_address(server_directory, port);
  native_->listener = open_socket(AF_INET);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof own;
  CHECK(::bind(native_->listener, reinterpret_cast<const sockaddr*>(&own), size) == 0);
  CHECK(::getsockname(native_->listener, reinterpret_cast<sockaddr*>(&own), &size) == 0);
  native_->port = ntohs(own.sin_port);
  CHECK(::listen(native_->listener, 16) == 0);
  CHECK(::pipe(native_->waking.data()) == 0);
  native_->thread = std::thread([native = native_.get()] { native->work(); });
}

FaultProxy::~FaultProxy() {
  {
    const std::lock_guard lock(native_->mutex);
    native_->is_ending = true;
  }
  native_->wake();
  native_->thread.join();
  for (const int fd : {native_->listener, native_->waking[0], native_->waking[1]}) {
    ::close(fd);
  }
}

std::string FaultProxy::address(const std::string& database) const {
  return "host=127.0.0.1 port=" + std::to_string(native_->port) +
         " user=postgres sslmode=disable connect_timeout=2 dbname=" + database;
}

void FaultProxy::fail_now(Fault fault) {
  {
    const std::lock_guard lock(native_->mutex);
    ++native_->orders;
    native_->of_all = fault;
    if (fault == Fault::CutAll) {
      native_->wires.clear();
    }
  }
  native_->wake();
}

void FaultProxy::reset_now() {
  {
    const std::lock_guard lock(native_->mutex);
    ++native_->orders;
    native_->wires.clear();
  }
  native_->wake();
}

void FaultProxy::fail_next(Moment moment, Fault fault) {
  const std::lock_guard lock(native_->mutex);
  native_->moment = moment;
  native_->fault = fault;
  native_->failed = false;
}

void FaultProxy::fail_at_piece(int number, Fault fault) {
  const std::lock_guard lock(native_->mutex);
  native_->pieces_left = number;
  native_->fault = fault;
  native_->failed = false;
}

bool FaultProxy::did_fail() {
  const std::lock_guard lock(native_->mutex);
  native_->pieces_left = 0;
  native_->moment.reset();
  return native_->failed;
}

void FaultProxy::heal() {
  {
    const std::lock_guard lock(native_->mutex);
    ++native_->orders;
    native_->of_all.reset();
    std::erase_if(native_->wires, [](Wire& wire) { return wire.is_frozen() && !wire.go_on(); });
  }
  native_->wake();
}

void FaultProxy::delay_pieces(int millis) {
  const std::lock_guard lock(native_->mutex);
  native_->delay_millis = millis;
}

}  // namespace vallum::testing
