#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

// Fetched once: an implicit fetch per call costs more than hashing a short message.
const EVP_MD* md_of(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, 3> kMds = {EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
                                              EVP_MD_fetch(nullptr, "SHA2-384", nullptr),
                                              EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
  const EVP_MD* md = kMds[static_cast<std::size_t>(algorithm)];
  CHECK(md != nullptr);
  return md;
}

}  // namespace

Digest256 sha256(ByteView message) {
  Digest256 out{};
  CHECK(EVP_Digest(message.data(),
                   message.size(),
                   as_uchar(ByteSpan(out)),
                   nullptr,
                   md_of(HashAlgorithm::Sha256),
                   nullptr) == 1);
  return out;
}

Bytes hash(HashAlgorithm algorithm, ByteView message) {
  const EVP_MD* md = md_of(algorithm);
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(md)));
  CHECK(EVP_Digest(message.data(), message.size(), as_uchar(ByteSpan(out)), nullptr, md, nullptr) ==
        1);
  return out;
}

}  // namespace vallum::crypto
