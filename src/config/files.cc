#include "config/files.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace vallum::config {

namespace {

std::string describe(int code) {
  return std::generic_category().message(code);
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      // Non-blocking, so that a FIFO without a writer does not hang a start.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::string> DiskFiles::read(std::string_view path) const {
  if (path.empty() || path.contains('\0')) {
    return fail(ErrorKind::InvalidInput, "the path is empty or holds a NUL byte");
  }
  const bool is_relative = !path.starts_with('/') && !directory_.empty();
  const Descriptor file(is_relative ? directory_ + "/" + std::string(path) : std::string(path));
  if (file.fd() < 0) {
    return fail(ErrorKind::NotFound, describe(errno));
  }
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) {
    return fail(ErrorKind::NotFound, describe(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::InvalidInput, "not a regular file");
  }
  std::string content;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t count = ::read(file.fd(), piece.data(), piece.size());
    if (count == 0) {
      return content;
    }
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail(ErrorKind::NotFound, describe(errno));
    }
    content.append(piece.data(), static_cast<std::size_t>(count));
    if (content.size() > kBytesMax) {
      return fail(ErrorKind::ResourceExhausted, "larger than 5 MiB");
    }
  }
}

}  // namespace vallum::config
