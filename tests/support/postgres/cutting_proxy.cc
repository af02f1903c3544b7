#include "support/postgres/cutting_proxy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <list>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

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

int open_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

}  // namespace

struct CuttingProxy::Native {
  struct Wire {
    int client = -1;
    int server = -1;
    void close() const {
      ::close(client);
      ::close(server);
    }
  };

  void work();
  void accept_one();
  bool pump(int from, int to, Cut moment, std::string_view sign);
  bool should_cut(Cut moment, std::string_view bytes, std::string_view sign);

  sockaddr_un server{};
  int listener = -1;
  std::array<int, 2> ending{};
  std::list<Wire> wires;
  std::mutex mutex;
  Cut cut = Cut::Nowhere;   // guarded by mutex
  bool stays_down = false;  // guarded by mutex
  bool is_down = false;     // guarded by mutex
  std::thread thread;
};

bool CuttingProxy::Native::should_cut(Cut moment, std::string_view bytes, std::string_view sign) {
  const std::lock_guard lock(mutex);
  if (cut != moment || !bytes.contains(sign)) {
    return is_down;
  }
  cut = Cut::Nowhere;
  is_down = stays_down;
  return true;
}

// Returns false when the wire is to be closed.
bool CuttingProxy::Native::pump(int from, int to, Cut moment, std::string_view sign) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got <= 0) {
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  return !should_cut(moment, bytes, sign) && write_all(to, bytes);
}

void CuttingProxy::Native::accept_one() {
  Wire wire{.client = ::accept(listener, nullptr, nullptr), .server = open_socket()};
  bool is_refused = false;
  {
    const std::lock_guard lock(mutex);
    is_refused = is_down;
  }
  if (is_refused ||
      ::connect(wire.server, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
    wire.close();
    return;
  }
  wires.push_back(wire);
}

void CuttingProxy::Native::work() {
  for (;;) {
    std::vector<pollfd> waiting = {{.fd = ending[0], .events = POLLIN, .revents = 0},
                                   {.fd = listener, .events = POLLIN, .revents = 0}};
    for (const Wire& wire : wires) {
      waiting.push_back({.fd = wire.client, .events = POLLIN, .revents = 0});
      waiting.push_back({.fd = wire.server, .events = POLLIN, .revents = 0});
    }
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      continue;
    }
    if (waiting[0].revents != 0) {
      return;
    }
    auto wire = wires.begin();
    for (std::size_t at = 2; at < waiting.size(); at += 2) {
      const bool goes_on = (waiting[at].revents == 0 ||
                            pump(wire->client, wire->server, Cut::BeforeCommit, kCommitRequest)) &&
                           (waiting[at + 1].revents == 0 ||
                            pump(wire->server, wire->client, Cut::AfterCommit, kCommitAnswer));
      if (!goes_on) {
        wire->close();
      }
      wire = goes_on ? std::next(wire) : wires.erase(wire);
    }
    if (waiting[1].revents != 0) {
      accept_one();
    }
  }
}

CuttingProxy::CuttingProxy(std::string server_directory, unsigned short port)
    : native_(std::make_unique<Native>()) {
  native_->server = socket_address(server_directory, port);
  native_->listener = open_socket();
  const sockaddr_un own = socket_address(directory_.path(), port);
  CHECK(::bind(native_->listener, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
  CHECK(::listen(native_->listener, 16) == 0);
  CHECK(::pipe(native_->ending.data()) == 0);
  native_->thread = std::thread([native = native_.get()] { native->work(); });
}

CuttingProxy::~CuttingProxy() {
  CHECK(::write(native_->ending[1], "", 1) == 1);
  native_->thread.join();
  for (const Native::Wire& wire : native_->wires) {
    wire.close();
  }
  for (const int fd : {native_->listener, native_->ending[0], native_->ending[1]}) {
    ::close(fd);
  }
}

void CuttingProxy::cut_next(Cut where, bool stays_down) {
  const std::lock_guard lock(native_->mutex);
  native_->cut = where;
  native_->stays_down = stays_down;
}

void CuttingProxy::let_through() {
  const std::lock_guard lock(native_->mutex);
  native_->is_down = false;
}

}  // namespace vallum::testing
