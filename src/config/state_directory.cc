#include "config/state_directory.h"

#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/strings.h"
#include "codec/base64.h"

namespace vallum::config {

namespace {

constexpr std::size_t kSecretBytes = 32;

Unexpected system_failure(std::string_view what, const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  return fail(ErrorKind::Unavailable, std::string(what) + " " + path + ": " + why);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
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

Result<Secret> read_secret(int fd, const std::string& path) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return system_failure("cannot read", path);
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0) {
    return fail(ErrorKind::PermissionDenied,
                path + " can be used by others: make it a file of mode 0600");
  }
  std::array<char, 256> text{};
  const ssize_t length = ::read(fd, text.data(), text.size());
  if (length < 0) {
    return system_failure("cannot read", path);
  }
  const std::string_view encoded =
      trim_space(std::string_view(text.data(), static_cast<std::size_t>(length)));
  auto bytes = codec::decode_base64(encoded, codec::Base64::Std);
  wipe(std::as_writable_bytes(std::span(text)));
  if (!bytes || bytes->size() != kSecretBytes) {
    return fail(ErrorKind::InvalidInput, path + " does not hold base64 of 32 bytes");
  }
  Secret secret(*bytes);
  wipe(*bytes);
  return secret;
}

int open_secret(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return true;
}

// Writes the file under a name of its own and links it into place, so that nobody reads half a
// secret and nobody's secret is replaced.
Result<void> create_secret(const std::string& directory,
                           const std::string& path,
                           Entropy& entropy) {
  std::array<std::byte, kSecretBytes> bytes{};
  entropy.fill(bytes);
  std::string text = codec::encode_base64(bytes, codec::Base64::Std) + "\n";
  wipe(bytes);
  const std::string draft = path + "." + entropy.uuid();
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) {
    return system_failure("cannot create", path);
  }
  const bool written = write_all(file.fd(), text) && ::fsync(file.fd()) == 0;
  wipe(std::as_writable_bytes(std::span(text)));
  const bool linked = written && (::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int code = errno;
  ::unlink(draft.c_str());
  if (!linked) {
    errno = code;
    return system_failure("cannot create", path);
  }
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() < 0 || ::fsync(folder.fd()) != 0) {
    return system_failure("cannot write", directory);
  }
  return {};
}

}  // namespace

Result<std::string> find_state_directory(const Environment& environment) {
  if (const std::string* const given = environment.find("STATE_DIRECTORY")) {
    return given->substr(0, given->find(':'));
  }
  // A relative XDG path is to be ignored (XDG base directory specification).
  if (const std::string* const base = environment.find("XDG_STATE_HOME");
      base != nullptr && base->starts_with('/')) {
    return *base + "/vallum";
  }
  if (const std::string* const home = environment.find("HOME")) {
    return *home + "/.local/state/vallum";
  }
  return fail(ErrorKind::InvalidInput,
              "no state directory: set STATE_DIRECTORY, XDG_STATE_HOME or HOME");
}

Result<void> ensure_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!part.empty() && ::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_failure("cannot create", part);
    }
    if (end == std::string::npos) {
      break;
    }
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return system_failure("cannot use", path);
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::InvalidInput, path + " is not a directory");
  }
  return {};
}

Result<Secret> load_secret(const std::string& directory, std::string_view name) {
  const std::string path = directory + "/" + std::string(name);
  const Descriptor file(open_secret(path));
  if (file.fd() < 0) {
    return system_failure("cannot read", path);
  }
  return read_secret(file.fd(), path);
}

Result<Secret> load_or_create_secret(const std::string& directory,
                                     std::string_view name,
                                     Entropy& entropy) {
  TRY_OK(ensure_directory(directory));
  const std::string path = directory + "/" + std::string(name);
  for (const bool may_create : {true, false}) {
    const Descriptor file(open_secret(path));
    if (file.fd() >= 0) {
      return read_secret(file.fd(), path);
    }
    if (errno != ENOENT || !may_create) {
      return system_failure("cannot read", path);
    }
    TRY_OK(create_secret(directory, path, entropy));
  }
  return fail(ErrorKind::Internal, "unreachable");
}

Result<void> fill_missing_secrets(Settings& settings,
                                  const std::string& directory,
                                  Entropy& entropy) {
  if (!settings.shared_secret) {
    TRY(settings.shared_secret, load_or_create_secret(directory, "shared_secret", entropy));
  }
  if (!settings.cookie.secret) {
    TRY(settings.cookie.secret, load_or_create_secret(directory, "cookie_secret", entropy));
  }
  return {};
}

}  // namespace vallum::config
