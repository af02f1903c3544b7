#pragma once

#include <string_view>

#include "base/bytes.h"

namespace vallum {

// Key material or a credential: wiped when it dies, compared in constant time, and impossible to
// print or copy by accident. Values that leave it do so through expose(), which is easy to search
// for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes bytes) : bytes_(std::move(bytes)) {}
  explicit Secret(std::string_view text);
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // A second owner, where one is really needed.
  Secret clone() const { return Secret(bytes_); }

  ByteView expose() const { return bytes_; }
  std::string_view expose_text() const { return as_text(bytes_); }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

  bool equals(ByteView other) const { return constant_time_equal(bytes_, other); }

  bool operator==(const Secret&) const = delete;
  friend void operator<<(auto&, const Secret&) = delete;

 private:
  Bytes bytes_;
};

// Overwrites memory in a way the compiler keeps.
void wipe(ByteSpan bytes);

}  // namespace vallum
