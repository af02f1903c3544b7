#include "cli/remote_keys.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include "async/unique_fd.h"
#include "databroker/key_messages.h"

namespace vallum::cli {

namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr timeval kPatience = {.tv_sec = 70, .tv_usec = 0};

Unexpected fail_socket(const std::string& path, int error) {
  return fail(ErrorKind::Unavailable,
              path + ": a process uses the store, and cannot be asked: " +
                  std::generic_category().message(error) +
                  "; run this as its user, or stop it first");
}

Result<async::UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail_socket(path, ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  async::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) {
    return fail_socket(path, errno);
  }
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_socket(path, errno);
  }
  return fd;
}

// All of it, until the server closes.
Result<std::string> exchange(int fd, std::string_view request, const std::string& path) {
  while (!request.empty()) {
    const ssize_t count = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return fail_socket(path, errno);
    }
    request.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  std::string answer;
  std::array<char, 4096> piece{};
  while (answer.size() <= kAnswerBytesMax) {
    const ssize_t count = ::recv(fd, piece.data(), piece.size(), 0);
    if (count == 0) {
      return answer;
    }
    if (count < 0 && errno != EINTR) {
      return fail_socket(path, errno);
    }
    answer.append(piece.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return fail(ErrorKind::InvalidInput, path + ": the answer is too long");
}

}  // namespace

Result<std::string> RemoteKeys::ask(std::string_view what) const {
  TRY(const async::UniqueFd fd, connect_to(path_));
  const std::string request = "POST /keys/" + std::string(what) +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  TRY(const std::string answer, exchange(fd.get(), request, path_));
  const std::size_t head_end = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || head_end == std::string::npos) {
    return fail(ErrorKind::Unavailable,
                path_ + ": the process ended while it worked; run this again");
  }
  std::string body = answer.substr(head_end + 4);
  if (!answer.starts_with("HTTP/1.1 200 ")) {
    while (body.ends_with('\n')) {
      body.pop_back();
    }
    return fail(ErrorKind::Unavailable, body);
  }
  return body;
}

Result<databroker::KeyFacts> RemoteKeys::facts() {
  TRY(const std::string body, ask("facts"));
  return databroker::decode_key_facts(body);
}

Result<bool> RemoteKeys::begin_rotation(WallTime /*now*/) {
  TRY(const std::string body, ask("rotate"));
  return databroker::decode_key_change(body);
}

Result<databroker::KeysAtRest::Step> RemoteKeys::reseal() {
  TRY(const std::string body, ask("reseal"));
  return databroker::decode_key_step(body);
}

Result<bool> RemoteKeys::rewrap() {
  TRY(const std::string body, ask("rewrap"));
  return databroker::decode_key_change(body);
}

}  // namespace vallum::cli
