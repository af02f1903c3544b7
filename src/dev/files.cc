#include "dev/files.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace vallum::dev {
namespace {

constexpr std::size_t kBytesMax = std::size_t{1} << 20;

Unexpected fail_with_errno(const std::string& path) {
  const int code = errno;
  return fail(code == ENOENT ? ErrorKind::NotFound : ErrorKind::Unavailable,
              path + ": " + std::generic_category().message(code));
}

// Closes the descriptor when it dies.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    return fail_with_errno(path);
  }
  std::string content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.fd(), buffer.data(), buffer.size());
    if (got < 0) {
      return fail_with_errno(path);
    }
    if (got == 0) {
      return content;
    }
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > kBytesMax) {
      return fail(ErrorKind::ResourceExhausted, path + ": larger than 1 MiB");
    }
  }
}

Result<void> write_private_file(const std::string& path, std::string_view content) {
  const std::string draft = path + ".new";
  {
    const File file(
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd() < 0) {
      return fail_with_errno(draft);
    }
    while (!content.empty()) {
      const ssize_t wrote = ::write(file.fd(), content.data(), content.size());
      if (wrote < 0) {
        return fail_with_errno(draft);
      }
      content.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::fsync(file.fd()) != 0) {
      return fail_with_errno(draft);
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail_with_errno(path);
  }
  return {};
}

Result<void> ensure_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_with_errno(path);
  }
  return {};
}

}  // namespace vallum::dev
