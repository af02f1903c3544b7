// The application behind the proxies under test: answers every GET with 1 KiB over keep-alive
// HTTP/1.1, on one thread, costing as little as it can. Usage: origin PORT
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

const std::string& answer() {
  static const std::string text =
      "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nContent-Length: "
      "1024\r\n\r\n" +
      std::string(1024, 'y');
  return text;
}

struct Connection {
  int fd;
  std::string in;
  std::string out;
};

class Origin {
 public:
  explicit Origin(int listener) : listener_(listener), epoll_(epoll_create1(0)) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event);
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(256);
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_) {
          accept_all();
        } else if (!serve(connections_[event.data.fd])) {
          close(event.data.fd);
          connections_.erase(event.data.fd);
        }
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) {
        return;
      }
      const int one = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      connections_[fd].fd = fd;
      epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  // False when the connection is over.
  bool serve(Connection& connection) {
    const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
      return got < 0 && errno == EAGAIN;
    }
    connection.in.append(buffer_.data(), static_cast<std::size_t>(got));
    std::size_t end = 0;
    while ((end = connection.in.find("\r\n\r\n")) != std::string::npos) {
      connection.in.erase(0, end + 4);
      connection.out += answer();
    }
    // A proxy that does not read 1 KiB at once is a broken one: waiting for room is not worth code.
    const ssize_t sent =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    const bool all = sent == static_cast<ssize_t>(connection.out.size());
    connection.out.clear();
    return all;
  }

  int listener_;
  int epoll_;
  std::unordered_map<int, Connection> connections_;
  std::vector<char> buffer_ = std::vector<char>(1U << 16U);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: origin PORT\n", stderr);
    return 2;
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    std::perror("origin: listen");
    return 1;
  }
  Origin(listener).run();
}
