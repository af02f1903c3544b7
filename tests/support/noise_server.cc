#include "support/noise_server.h"

#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace vallum::testing {

struct NoiseServer::Native {
  void talk() const {
    const std::string noise(100'000, '\x15');
    for (int wire = ::accept(listener, nullptr, nullptr); wire >= 0;
         wire = ::accept(listener, nullptr, nullptr)) {
      static_cast<void>(!::send(wire, noise.data(), noise.size(), MSG_NOSIGNAL));
      ::close(wire);
    }
  }

  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port = 0;
  std::thread thread;
};

NoiseServer::NoiseServer() : native_(std::make_unique<Native>()) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(native_->listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(native_->listener, 8) == 0);
  CHECK(::getsockname(native_->listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  native_->port = ntohs(address.sin_port);
  native_->thread = std::thread([native = native_.get()] { native->talk(); });
}

NoiseServer::~NoiseServer() {
  ::shutdown(native_->listener, SHUT_RDWR);
  native_->thread.join();
  ::close(native_->listener);
}

std::string NoiseServer::address() const {
  return "127.0.0.1:" + std::to_string(native_->port);
}

}  // namespace vallum::testing
