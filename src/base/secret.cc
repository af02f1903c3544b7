#include "base/secret.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace vallum {
namespace {

// malloc() and free(), since what they gave may go back to the memory that takes over from them.
std::byte* take_from_heap(std::size_t bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): see above
  auto* const data = static_cast<std::byte*>(std::malloc(bytes));
  CHECK(data != nullptr);
  return data;
}

void give_back_to_heap(std::byte* data, std::size_t /*bytes*/) {
  std::free(data);  // NOLINT(cppcoreguidelines-no-malloc): see above
}

constinit SecretMemory memory = {.take = take_from_heap, .give_back = give_back_to_heap};

}  // namespace

SecretMemory use_secret_memory(const SecretMemory& better) {
  return std::exchange(memory, better);
}

Secret::Secret(Bytes bytes) : Secret(ByteView(bytes), Copied()) {
  wipe(bytes);
}

Secret::Secret(ByteView bytes, Copied /*tag*/) : size_(bytes.size()) {
  if (size_ > 0) {
    data_ = memory.take(size_);
    std::memcpy(data_, bytes.data(), size_);
  }
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    drop();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  drop();
}

void Secret::drop() {
  if (data_ != nullptr) {
    wipe({data_, size_});
    memory.give_back(data_, size_);
  }
}

void wipe(ByteSpan bytes) {
  if (!bytes.empty()) {  // an empty span may have no address, which the C function forbids
    explicit_bzero(bytes.data(), bytes.size());
  }
}

}  // namespace vallum
