#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace vallum {

// Where secrets lie: the heap, until a process has a better place (crypto/secret_memory.h).
struct SecretMemory {
  // Never null.
  std::byte* (*take)(std::size_t bytes);
  // Also what the heap gave before. Wiped by the caller.
  void (*give_back)(std::byte* data, std::size_t bytes);
};
// Before the process has a second thread. Returns the one before.
SecretMemory use_secret_memory(const SecretMemory& better);

// Key material or a credential: wiped when it dies, compared in constant time, and impossible to
// print or copy by accident. Values that leave it do so through expose(), which is easy to search
// for.
class Secret {
 public:
  Secret() = default;
  // Wipes what it is given.
  explicit Secret(Bytes bytes);
  explicit Secret(std::string_view text) : Secret(as_bytes(text), Copied()) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // A second owner, where one is really needed.
  Secret clone() const { return Secret(expose(), Copied()); }

  ByteView expose() const { return {data_, size_}; }
  std::string_view expose_text() const { return as_text(expose()); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  bool equals(ByteView other) const { return constant_time_equal(expose(), other); }

  bool operator==(const Secret&) const = delete;
  friend void operator<<(auto&, const Secret&) = delete;

 private:
  struct Copied {};
  Secret(ByteView bytes, Copied);
  void drop();

  std::byte* data_ = nullptr;  // of secret memory; null when there is nothing
  std::size_t size_ = 0;
};

// Overwrites memory in a way the compiler keeps.
void wipe(ByteSpan bytes);

}  // namespace vallum
