#include "net/dns_resolver.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ares.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "async/event.h"
#include "async/io_handle.h"
#include "async/scope.h"
#include "base/check.h"
#include "base/strings.h"

namespace vallum::net {

using async::Ready;
using async::UniqueFd;

namespace {

constexpr Duration kKeepFailure = std::chrono::seconds(1);
constexpr Duration kLookAtConfigurationEvery = std::chrono::seconds(10);
constexpr std::size_t kNameBytesMax = 253;

struct AddrinfoDeleter {
  void operator()(ares_addrinfo* info) const { ares_freeaddrinfo(info); }
};
using Addrinfo = std::unique_ptr<ares_addrinfo, AddrinfoDeleter>;

struct Answer {
  std::vector<IpAddress> addresses;
  Duration ttl = Duration::max();
};

Answer read_answer(const ares_addrinfo& info) {
  Answer answer;
  std::vector<IpAddress> v6;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      const auto& in = *reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      answer.addresses.push_back(IpAddress::from_bytes(std::as_bytes(std::span(&in.sin_addr, 1))));
    } else if (node->ai_family == AF_INET6) {
      const auto& in = *reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      v6.push_back(IpAddress::from_bytes(std::as_bytes(std::span(&in.sin6_addr, 1))));
    } else {
      continue;
    }
    answer.ttl = std::min<Duration>(answer.ttl, std::chrono::seconds(node->ai_ttl));
  }
  answer.addresses.insert(answer.addresses.end(), v6.begin(), v6.end());
  return answer;
}

Error error_of(int status, const std::string& name) {
  const std::string text = "resolve " + name + ": ";
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
    case ARES_SUCCESS:  // an answer without an address
      return {ErrorKind::NotFound, text + "no such name, or it has no address"};
    case ARES_ETIMEOUT:
      return {ErrorKind::Unavailable, text + "no name server answers"};
    default:
      return {ErrorKind::Unavailable, text + ares_strerror(status)};
  }
}

struct FileStamp {
  std::int64_t seconds = 0;
  std::int64_t size = 0;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const char* path) {
  struct stat status = {};
  if (::stat(path, &status) != 0) {
    return {};
  }
  return {.seconds = status.st_mtim.tv_sec, .size = status.st_size};
}

}  // namespace

class DnsResolver::Native final : private async::Timer {
 public:
  Native(async::Core& core, DnsOptions options)
      : core_(core), options_(std::move(options)), scope_(core) {}
  ~Native();

  Result<void> start();
  Async<std::vector<IpAddress>> resolve(std::string name, Deadline deadline);
  std::size_t questions() const { return questions_; }

 private:
  struct Question {
    Question(Native& asker, std::string asked)
        : native(asker), name(std::move(asked)), done(asker.core_) {}
    Native& native;
    std::string name;
    async::Event done;
  };

  // What is known about a name: addresses, or why there are none.
  struct Entry {
    std::vector<IpAddress> addresses;
    std::optional<Error> error;
    Instant fresh_until;
    Instant usable_until;
  };

  // A socket of the library, watched but not owned.
  struct Socket {
    Socket(async::Core& core, int fd) : number(fd), handle(core, UniqueFd(fd)) {}
    ~Socket() { let_go(); }
    void let_go() {
      handle.release().release();
      handle.close();
    }
    int number;
    async::IoHandle handle;
    int watchers = 0;
  };

  enum class Direction : std::uint8_t { Read, Write };

  static void socket_changed(void* native, ares_socket_t fd, int readable, int writable);
  static void answered(void* question, int status, int timeouts, ares_addrinfo* info);

  void fired() override { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timeout();
  Task<void> watch(Socket* socket, Direction direction);
  void follow_configuration();
  void ask(const std::string& name);
  void keep(const std::string& name, Entry entry);
  void keep_answer(const std::string& name, Answer answer);
  void keep_failure(const std::string& name, Error error);

  async::Core& core_;
  DnsOptions options_;
  ares_channel channel_ = nullptr;
  FileStamp configuration_;
  Instant look_at_;
  std::size_t questions_ = 0;
  std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries_;
  std::unordered_map<std::string, std::unique_ptr<Question>, StringHash, std::equal_to<>> asked_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  async::Scope scope_;
};

DnsResolver::Native::~Native() {
  if (channel_ != nullptr) {
    ares_destroy(channel_);
  }
}

Result<void> DnsResolver::Native::start() {
  ares_options options = {};
  options.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.try_timeout).count());
  options.tries = options_.tries;
  options.sock_state_cb = &Native::socket_changed;
  options.sock_state_cb_data = this;
  ares_channel channel = nullptr;
  const int status = ares_init_options(
      &channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) {
    return fail(ErrorKind::Unavailable,
                std::string("the resolver cannot start: ") + ares_strerror(status));
  }
  if (!options_.server.empty() &&
      ares_set_servers_ports_csv(channel, options_.server.c_str()) != ARES_SUCCESS) {
    ares_destroy(channel);
    return fail(ErrorKind::InvalidInput, "not the address of a name server: " + options_.server);
  }
  if (channel_ != nullptr) {
    ares_destroy(channel_);
  }
  channel_ = channel;
  configuration_ = stamp_of("/etc/resolv.conf");
  look_at_ = core_.now() + kLookAtConfigurationEvery;
  return {};
}

// The library reads its configuration only when it starts.
void DnsResolver::Native::follow_configuration() {
  if (core_.now() < look_at_ || !asked_.empty()) {
    return;
  }
  look_at_ = core_.now() + kLookAtConfigurationEvery;
  if (stamp_of("/etc/resolv.conf") != configuration_) {
    // On failure the old servers stay in use and the next look tries again.
    [[maybe_unused]] const Result<void> restarted = start();
  }
}

void DnsResolver::Native::socket_changed(void* native,
                                         ares_socket_t fd,
                                         int readable,
                                         int writable) {
  auto& self = *static_cast<Native*>(native);
  const auto found = std::ranges::find_if(
      self.sockets_, [fd](const auto& socket) { return socket->number == fd; });
  if (readable == 0 && writable == 0) {
    if (found != self.sockets_.end()) {
      // Called from within a watcher, perhaps: it sees the end, and the last one erases the socket.
      (*found)->number = -1;
      (*found)->let_go();
    }
    return;
  }
  Socket* socket = found == self.sockets_.end() ? nullptr : found->get();
  if (socket == nullptr) {
    auto opened = std::make_unique<Socket>(self.core_, fd);
    if (!opened->handle.watch()) {
      return;  // the question times out
    }
    socket = opened.get();
    self.sockets_.push_back(std::move(opened));
    ++socket->watchers;
    self.scope_.spawn(self.watch(socket, Direction::Read));
  }
  if (writable != 0 && socket->watchers == 1) {
    ++socket->watchers;
    self.scope_.spawn(self.watch(socket, Direction::Write));
  }
}

Task<void> DnsResolver::Native::watch(Socket* socket, Direction direction) {
  async::Readiness& readiness =
      direction == Direction::Read ? socket->handle.readable() : socket->handle.writable();
  for (;;) {
    const Ready ready = co_await readiness.wait(Deadline::never());
    if (ready != Ready::Ready || socket->number < 0) {
      break;
    }
    readiness.clear();
    const ares_socket_t fd = socket->number;
    process(direction == Direction::Read ? fd : ARES_SOCKET_BAD,
            direction == Direction::Write ? fd : ARES_SOCKET_BAD);
    if (direction == Direction::Read) {
      // Of a TCP connection the library reads one piece per call.
      socket->handle.report_again();
    }
  }
  if (--socket->watchers == 0) {
    std::erase_if(sockets_, [socket](const auto& owned) { return owned.get() == socket; });
  }
}

void DnsResolver::Native::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timeout();
}

void DnsResolver::Native::arm_timeout() {
  timeval limit = {};
  if (asked_.empty() || ares_timeout(channel_, nullptr, &limit) == nullptr) {
    Timer::cancel();
    return;
  }
  core_.arm(
      *this,
      core_.now() + std::chrono::seconds(limit.tv_sec) + std::chrono::microseconds(limit.tv_usec));
}

void DnsResolver::Native::answered(void* question,
                                   int status,
                                   int /*timeouts*/,
                                   ares_addrinfo* info) {
  const Addrinfo owned(info);
  auto& self = static_cast<Question*>(question)->native;
  const auto found = self.asked_.find(static_cast<Question*>(question)->name);
  if (found == self.asked_.end()) {
    return;
  }
  const std::unique_ptr<Question> answered = std::move(found->second);
  self.asked_.erase(found);
  Answer answer = status == ARES_SUCCESS && info != nullptr ? read_answer(*info) : Answer();
  if (!answer.addresses.empty()) {
    self.keep_answer(answered->name, std::move(answer));
  } else {
    self.keep_failure(answered->name, error_of(status, answered->name));
  }
  answered->done.set();
}

void DnsResolver::Native::keep_answer(const std::string& name, Answer answer) {
  const Instant fresh_until =
      core_.now() + std::clamp(answer.ttl, options_.keep_min, options_.keep_max);
  keep(name,
       {.addresses = std::move(answer.addresses),
        .error = std::nullopt,
        .fresh_until = fresh_until,
        .usable_until = fresh_until + options_.keep_stale});
}

void DnsResolver::Native::keep_failure(const std::string& name, Error error) {
  const bool not_found = error.kind() == ErrorKind::NotFound;
  const Instant until = core_.now() + (not_found ? options_.keep_not_found : kKeepFailure);
  const auto known = entries_.find(name);
  if (!not_found && known != entries_.end() && !known->second.error &&
      core_.now() < known->second.usable_until) {
    known->second.fresh_until = until;  // nobody can tell better for now
    return;
  }
  keep(name,
       {.addresses = {}, .error = std::move(error), .fresh_until = until, .usable_until = until});
}

void DnsResolver::Native::keep(const std::string& name, Entry entry) {
  if (!entries_.contains(name) && entries_.size() >= options_.names_max) {
    const auto soonest = std::ranges::min_element(
        entries_, {}, [](const auto& item) { return item.second.fresh_until; });
    entries_.erase(soonest);
  }
  entries_.insert_or_assign(name, std::move(entry));
}

void DnsResolver::Native::ask(const std::string& name) {
  auto [place, added] = asked_.try_emplace(name);
  if (!added) {
    return;
  }
  place->second = std::make_unique<Question>(*this, name);
  Question& question = *place->second;
  ++questions_;
  ares_addrinfo_hints hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  // May answer, and so end the question, before it returns.
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &Native::answered, &question);
  arm_timeout();
}

Async<std::vector<IpAddress>> DnsResolver::Native::resolve(std::string name, Deadline deadline) {
  if (name.empty() || name.size() > kNameBytesMax || name.find('\0') != std::string::npos) {
    co_return fail(ErrorKind::NotFound, "resolve: not a host name");
  }
  // Three: what is known, what was asked now, and the same again when it had to make room.
  for (int look = 0; look < 3; ++look) {
    const auto known = entries_.find(name);
    if (known != entries_.end() && core_.now() < known->second.fresh_until) {
      if (known->second.error) {
        co_return fail(*known->second.error);
      }
      co_return known->second.addresses;
    }
    follow_configuration();
    ask(name);
    const auto asked = asked_.find(name);
    if (asked == asked_.end()) {
      continue;  // answered from a file
    }
    const bool answered = co_await asked->second->done.wait(deadline);
    if (!answered) {
      co_return fail(ErrorKind::DeadlineExceeded, "resolve " + name + ": timed out");
    }
  }
  co_return fail(ErrorKind::Unavailable, "resolve " + name + ": the answer was lost");
}

DnsResolver::DnsResolver(std::unique_ptr<Native> native) : native_(std::move(native)) {}

DnsResolver::~DnsResolver() = default;

Result<std::unique_ptr<DnsResolver>> DnsResolver::create(async::Core& core, DnsOptions options) {
  auto native = std::make_unique<Native>(core, std::move(options));
  TRY_OK(native->start());
  return std::unique_ptr<DnsResolver>(new DnsResolver(std::move(native)));
}

Async<std::vector<IpAddress>> DnsResolver::resolve(std::string host, Deadline deadline) {
  std::vector<IpAddress> local = resolve_locally(host);
  if (!local.empty()) {
    co_return local;
  }
  co_return co_await native_->resolve(to_lower(host), deadline);
}

std::size_t DnsResolver::questions() const {
  return native_->questions();
}

}  // namespace vallum::net
