#include "crypto/uuid.h"

#include <algorithm>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/secret.h"

namespace vallum::crypto {

namespace {

constexpr std::size_t kSha1Bytes = 20;

const EVP_MD* sha1() {
  static const EVP_MD* const kMd = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  CHECK(kMd != nullptr);
  return kMd;
}

}  // namespace

UuidBytes uuid_v5(const UuidBytes& name_space, std::string_view name) {
  Bytes message(name_space.begin(), name_space.end());
  const ByteView name_bytes = as_bytes(name);
  message.insert(message.end(), name_bytes.begin(), name_bytes.end());
  std::array<std::byte, kSha1Bytes> digest{};
  CHECK(EVP_Digest(
            message.data(), message.size(), as_uchar(ByteSpan(digest)), nullptr, sha1(), nullptr) ==
        1);
  wipe(message);
  UuidBytes uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = (uuid[6] & std::byte{0x0f}) | std::byte{0x50};
  uuid[8] = (uuid[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid;
}

}  // namespace vallum::crypto
