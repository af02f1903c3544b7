#include "tls/file.h"

#include <cerrno>

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "async/unique_fd.h"
#include "tls/limits.h"

namespace vallum::tls {

namespace {

Unexpected unreadable(const std::string& path, int error) {
  return fail(ErrorKind::InvalidInput,
              path + ": cannot be read: " + std::generic_category().message(error));
}

}  // namespace

Result<Bytes> read_file(const std::string& path) {
  const async::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    return unreadable(path, errno);
  }
  // Sized before it is read: growing would leave copies of a key behind.
  constexpr std::size_t kPiece = 64 * 1024;
  Bytes bytes(kPiece);
  std::size_t size = 0;
  for (;;) {
    const ssize_t count = ::read(file.get(), &bytes[size], bytes.size() - size);
    if (count == 0) {
      bytes.resize(size);
      return bytes;
    }
    if (count < 0 && errno != EINTR) {
      return unreadable(path, errno);
    }
    size += static_cast<std::size_t>(count < 0 ? 0 : count);
    if (size > kPemFileBytesMax) {
      return fail(ErrorKind::InvalidInput, path + ": longer than 5 MiB");
    }
    if (size == bytes.size()) {
      bytes.resize(2 * size);
    }
  }
}

}  // namespace vallum::tls
