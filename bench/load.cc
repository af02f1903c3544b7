// The load generator: HTTP/1.1 over TLS 1.3 on one thread; prints one JSON line.
//
//   load --mode closed|paced|idle --port N --proxy-pid N --origin-pid N [--connections N]
//        [--rate N] [--seconds N] [--warm-up N] [--header-file FILE] [--host NAME]
//
// closed: every connection asks again as soon as it is answered.
// paced:  requests are due at a fixed rate, and latency counts from when one was due, so that a
//         stall is not hidden by the requests that were not sent during it.
// idle:   every connection asks once and is then kept open; the proxy's memory is read.
//
// The proxy's CPU time is sampled over its process tree: requests per second and core then hold
// even when it is this program that is saturated.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "histogram.h"
#include "process_tree.h"

namespace bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

enum class Mode { Closed, Paced, Idle };

struct Options {
  Mode mode = Mode::Closed;
  std::uint16_t port = 0;
  int proxy_pid = 0;
  int origin_pid = 0;
  std::size_t connections = 64;
  double rate = 8000;
  double seconds = 4;
  double warm_up = 1;
  std::string host = "localhost";
  std::vector<std::string> headers;  // one line per request, in turn
};

enum class State { Closed, Connecting, Handshaking, Ready, Sending, Receiving };

struct Connection {
  int fd = -1;
  SSL* tls = nullptr;
  State state = State::Closed;
  std::uint32_t watched = 0;
  std::uint64_t started = 0;  // when the request was sent, or due
  const std::string* request = nullptr;
  std::size_t sent = 0;
  std::string head;
  std::size_t body_left = 0;
  bool in_body = false;
};

struct Counts {
  std::uint64_t done = 0;
  std::uint64_t errors = 0;
  std::uint64_t refused = 0;  // answers other than 2xx
  std::string first_refusal;
};

class Generator {
 public:
  explicit Generator(const Options& options) : options_(options), epoll_(epoll_create1(0)) {
    tls_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(tls_, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(tls_, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set1_groups_list(tls_, "X25519");
    SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
    const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(tls_, alpn, sizeof alpn - 1);
    std::vector<std::string> headers = options.headers;
    if (headers.empty()) {
      headers.emplace_back();
    }
    for (const std::string& header : headers) {
      requests_.push_back("GET /1k HTTP/1.1\r\nHost: " + options.host +
                          "\r\nUser-Agent: load/1 (bench)\r\nAccept: text/html,*/*;q=0.8\r\n"
                          "Accept-Language: en\r\nAccept-Encoding: gzip, deflate, br\r\n" +
                          (header.empty() ? "" : header + "\r\n") + "\r\n");
    }
    connections_.resize(options.connections);
  }

  void run_idle();
  void run_timed();

 private:
  void open(Connection& c);
  void close(Connection& c);
  void watch(Connection& c, std::uint32_t events);
  void on_event(Connection& c);
  bool finish_handshake(Connection& c);
  void ask(Connection& c, std::uint64_t started);
  void send_request(Connection& c);
  void receive_answer(Connection& c);
  bool take(Connection& c, const char* data, std::size_t size);
  void answered(Connection& c);
  void failed(Connection& c);
  void poll(std::uint64_t timeout_ns);
  std::uint64_t ask_those_due(std::uint64_t start);

  const Options& options_;
  int epoll_;
  SSL_CTX* tls_;
  std::vector<std::string> requests_;
  std::size_t next_request_ = 0;
  std::vector<Connection> connections_;
  std::vector<Connection*> ready_;
  std::deque<std::uint64_t> due_;
  std::uint64_t scheduled_ = 0;
  std::uint32_t next_source_ = 0;
  bool measuring_ = false;
  Counts counts_;
  Histogram latency_;
  std::vector<char> buffer_ = std::vector<char>(1U << 16U);
};

void Generator::open(Connection& c) {
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // Several source addresses: ten thousand connections need more ports than one has to spare.
  setsockopt(c.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(0x7f000002U + next_source_++ % 8);
  bind(c.fd, reinterpret_cast<sockaddr*>(&source), sizeof source);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(options_.port);
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(c.fd, reinterpret_cast<sockaddr*>(&target), sizeof target) != 0 &&
      errno != EINPROGRESS) {
    failed(c);
    return;
  }
  c.tls = SSL_new(tls_);
  SSL_set_fd(c.tls, c.fd);
  SSL_set_tlsext_host_name(c.tls, options_.host.substr(0, options_.host.find(':')).c_str());
  SSL_set_connect_state(c.tls);
  c.state = State::Connecting;
  watch(c, EPOLLOUT);
}

void Generator::close(Connection& c) {
  SSL_free(c.tls);
  if (c.fd >= 0) {
    ::close(c.fd);
  }
  c = Connection{};
}

void Generator::watch(Connection& c, std::uint32_t events) {
  if (c.watched == events) {
    return;
  }
  epoll_event event{.events = events, .data = {.ptr = &c}};
  epoll_ctl(epoll_, c.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c.fd, &event);
  c.watched = events;
}

void Generator::failed(Connection& c) {
  if (measuring_) {
    ++counts_.errors;
  }
  std::erase(ready_, &c);
  close(c);
}

void Generator::on_event(Connection& c) {
  switch (c.state) {
    case State::Connecting:
    case State::Handshaking:
      if (finish_handshake(c)) {
        c.state = State::Ready;
        watch(c, EPOLLIN);
        ready_.push_back(&c);
      }
      return;
    case State::Ready: {
      // A session ticket, or the end of the connection.
      const int got = SSL_read(c.tls, buffer_.data(), static_cast<int>(buffer_.size()));
      if (got > 0 || SSL_get_error(c.tls, got) != SSL_ERROR_WANT_READ) {
        failed(c);
      }
      ERR_clear_error();
      return;
    }
    case State::Sending:
      send_request(c);
      return;
    case State::Receiving:
      receive_answer(c);
      return;
    case State::Closed:
      return;
  }
}

bool Generator::finish_handshake(Connection& c) {
  c.state = State::Handshaking;
  const int result = SSL_do_handshake(c.tls);
  if (result == 1) {
    return true;
  }
  const int error = SSL_get_error(c.tls, result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    watch(c, error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
  } else {
    failed(c);
  }
  return false;
}

void Generator::ask(Connection& c, std::uint64_t started) {
  c.started = started;
  c.request = &requests_[next_request_++ % requests_.size()];
  c.sent = 0;
  c.state = State::Sending;
  send_request(c);
}

void Generator::send_request(Connection& c) {
  while (c.sent < c.request->size()) {
    const int wrote =
        SSL_write(c.tls, c.request->data() + c.sent, static_cast<int>(c.request->size() - c.sent));
    if (wrote <= 0) {
      const int error = SSL_get_error(c.tls, wrote);
      ERR_clear_error();
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        watch(c, EPOLLIN | EPOLLOUT);
      } else {
        failed(c);
      }
      return;
    }
    c.sent += static_cast<std::size_t>(wrote);
  }
  c.head.clear();
  c.in_body = false;
  c.state = State::Receiving;
  watch(c, EPOLLIN);
}

void Generator::receive_answer(Connection& c) {
  for (;;) {
    const int got = SSL_read(c.tls, buffer_.data(), static_cast<int>(buffer_.size()));
    if (got <= 0) {
      const int error = SSL_get_error(c.tls, got);
      ERR_clear_error();
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        failed(c);
      }
      return;
    }
    if (take(c, buffer_.data(), static_cast<std::size_t>(got))) {
      answered(c);
      return;
    }
  }
}

// Returns whether the answer is complete. Every proxy here sends Content-Length.
bool Generator::take(Connection& c, const char* data, std::size_t size) {
  if (!c.in_body) {
    c.head.append(data, size);
    const std::size_t end = c.head.find("\r\n\r\n");
    if (end == std::string::npos) {
      return false;
    }
    if (measuring_ && c.head.compare(9, 1, "2") != 0) {
      ++counts_.refused;
      if (counts_.first_refusal.empty()) {
        counts_.first_refusal = c.head.substr(0, c.head.find('\r'));
      }
    }
    std::string head = c.head.substr(0, end);
    std::ranges::transform(
        head, head.begin(), [](char x) { return static_cast<char>(tolower(x)); });
    const std::size_t field = head.find("content-length:");
    c.body_left =
        field == std::string::npos
            ? 0
            : std::strtoull(head.c_str() + field + strlen("content-length:"), nullptr, 10);
    size = c.head.size() - end - 4;
    c.in_body = true;
  }
  c.body_left -= std::min(c.body_left, size);
  return c.body_left == 0;
}

void Generator::answered(Connection& c) {
  if (measuring_) {
    ++counts_.done;
    latency_.add(now_ns() - c.started);
  }
  c.state = State::Ready;
  ready_.push_back(&c);
}

void Generator::poll(std::uint64_t timeout_ns) {
  epoll_event events[256];
  const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(timeout_ns)};
  const int count = epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    on_event(*static_cast<Connection*>(events[i].data.ptr));
  }
}

void Generator::run_idle() {
  const Usage before = usage_of_tree(options_.proxy_pid, Memory::Read);
  const std::uint64_t give_up = now_ns() + 120 * kSecond;
  measuring_ = true;
  std::size_t opened = 0;
  std::size_t held = 0;
  std::vector<bool> has_asked(connections_.size());
  while (held + counts_.errors < connections_.size() && now_ns() < give_up) {
    // In small batches: a listen queue that overflows would measure TCP's retries.
    while (opened < connections_.size() && opened - held - counts_.errors < 64) {
      open(connections_[opened++]);
    }
    poll(kSecond / 10);
    std::vector<Connection*> ready;
    ready.swap(ready_);
    for (Connection* c : ready) {
      const auto index = static_cast<std::size_t>(c - connections_.data());
      if (has_asked[index]) {
        ++held;
      } else {
        has_asked[index] = true;
        ask(*c, now_ns());
      }
    }
  }
  const timespec settle{.tv_sec = static_cast<time_t>(options_.warm_up), .tv_nsec = 0};
  nanosleep(&settle, nullptr);
  const Usage after = usage_of_tree(options_.proxy_pid, Memory::Read);
  std::printf(
      "{\"mode\":\"idle\",\"connections\":%zu,\"errors\":%lu,\"refused\":%lu,"
      "\"first_refusal\":\"%s\",\"pss_before_kb\":%ld,\"pss_after_kb\":%ld,"
      "\"bytes_per_connection\":%.0f}\n",
      held,
      counts_.errors,
      counts_.refused,
      counts_.first_refusal.c_str(),
      before.pss_kb,
      after.pss_kb,
      static_cast<double>(after.pss_kb - before.pss_kb) * 1024.0 /
          static_cast<double>(std::max<std::size_t>(held, 1)));
}

// Asks for what is due as long as a connection is free. Returns nanoseconds until the next is due.
std::uint64_t Generator::ask_those_due(std::uint64_t start) {
  const double period = static_cast<double>(kSecond) / options_.rate;
  const auto due_at = [&] {
    return start + static_cast<std::uint64_t>(static_cast<double>(scheduled_) * period);
  };
  for (const std::uint64_t now = now_ns(); due_at() <= now; ++scheduled_) {
    due_.push_back(due_at());
  }
  // Oldest first, so that the connections take turns.
  std::size_t used = 0;
  const std::vector<Connection*> ready = ready_;
  while (!due_.empty() && used < ready.size()) {
    const std::uint64_t due = due_.front();
    due_.pop_front();
    ready_.erase(ready_.begin());
    ask(*ready[used++], due);
  }
  const std::uint64_t now = now_ns();
  return due_at() > now ? due_at() - now : 0;
}

void Generator::run_timed() {
  const std::uint64_t start = now_ns();
  const auto measure_from = start + static_cast<std::uint64_t>(options_.warm_up * 1e9);
  const auto measure_to = measure_from + static_cast<std::uint64_t>(options_.seconds * 1e9);
  Usage proxy_before;
  Usage origin_before;
  double own_before = 0;
  std::uint64_t measured_from = 0;
  while (now_ns() < measure_to) {
    if (!measuring_ && now_ns() >= measure_from) {
      measuring_ = true;
      proxy_before = usage_of_tree(options_.proxy_pid, Memory::Skip);
      origin_before = usage_of_tree(options_.origin_pid, Memory::Skip);
      own_before = own_cpu_seconds();
      measured_from = now_ns();
    }
    for (Connection& c : connections_) {
      if (c.state == State::Closed) {
        open(c);
      }
    }
    std::uint64_t timeout = kSecond / 10;
    if (options_.mode == Mode::Paced) {
      timeout = std::min(timeout, ask_those_due(start + 3 * kSecond / 10));
    } else {
      std::vector<Connection*> ready;
      ready.swap(ready_);
      for (Connection* c : ready) {
        ask(*c, now_ns());
      }
    }
    poll(timeout);
  }
  const double seconds = static_cast<double>(now_ns() - measured_from) / 1e9;
  const double own = own_cpu_seconds() - own_before;
  const double proxy =
      usage_of_tree(options_.proxy_pid, Memory::Skip).cpu_seconds - proxy_before.cpu_seconds;
  const double origin =
      usage_of_tree(options_.origin_pid, Memory::Skip).cpu_seconds - origin_before.cpu_seconds;
  const auto done = static_cast<double>(counts_.done);
  std::printf(
      "{\"mode\":\"%s\",\"requests_per_second\":%.1f,\"requests_per_second_per_core\":%.0f,"
      "\"proxy_cpu_us\":%.2f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"done\":%lu,\"errors\":%lu,"
      "\"refused\":%lu,\"first_refusal\":\"%s\",\"waiting\":%zu,\"proxy_cores\":%.3f,"
      "\"load_cores\":%.3f}\n",
      options_.mode == Mode::Paced ? "paced" : "closed",
      done / seconds,
      proxy > 0 ? done / proxy : 0,
      proxy * 1e6 / std::max(done, 1.0),
      latency_.quantile_us(0.5),
      latency_.quantile_us(0.99),
      counts_.done,
      counts_.errors,
      counts_.refused,
      counts_.first_refusal.c_str(),
      due_.size(),
      proxy / seconds,
      (own + origin) / seconds);
}

std::vector<std::string> read_lines(const char* path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) {
      lines.push_back(line);
    }
  }
  return lines;
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    const auto number = [&] { return std::strtoul(value, nullptr, 10); };
    if (name == "--mode") {
      const std::string_view mode = value;
      options.mode = mode == "paced" ? Mode::Paced : mode == "idle" ? Mode::Idle : Mode::Closed;
    } else if (name == "--port") {
      options.port = static_cast<std::uint16_t>(number());
    } else if (name == "--proxy-pid") {
      options.proxy_pid = static_cast<int>(number());
    } else if (name == "--origin-pid") {
      options.origin_pid = static_cast<int>(number());
    } else if (name == "--connections") {
      options.connections = number();
    } else if (name == "--rate") {
      options.rate = std::strtod(value, nullptr);
    } else if (name == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (name == "--warm-up") {
      options.warm_up = std::strtod(value, nullptr);
    } else if (name == "--host") {
      options.host = value;
    } else if (name == "--header-file") {
      options.headers = read_lines(value);
    } else {
      return false;
    }
  }
  return options.port != 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  bench::Options options;
  if (!bench::read_options(argc, argv, options)) {
    std::fputs("load: see the head of bench/load.cc for the options\n", stderr);
    return 2;
  }
  bench::Generator generator(options);
  if (options.mode == bench::Mode::Idle) {
    generator.run_idle();
  } else {
    generator.run_timed();
  }
}
