#include "base/secret.h"

#include <cstring>
#include <utility>

namespace vallum {

Secret::Secret(std::string_view text) {
  const ByteView view = as_bytes(text);
  bytes_.assign(view.begin(), view.end());
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

Secret::~Secret() {
  wipe(bytes_);
}

void wipe(ByteSpan bytes) {
  if (!bytes.empty()) {  // an empty span may have no address, which the C function forbids
    explicit_bzero(bytes.data(), bytes.size());
  }
}

}  // namespace vallum
