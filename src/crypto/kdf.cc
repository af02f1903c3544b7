#include "crypto/kdf.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

EVP_KDF* hkdf_implementation() {
  static EVP_KDF* const kKdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  CHECK(kKdf != nullptr);
  return kKdf;
}

// OSSL_PARAM has no const variant for input; OpenSSL only reads these.
OSSL_PARAM octets(const char* name, ByteView value) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): see above
  auto* const data = const_cast<std::byte*>(value.data());
  return OSSL_PARAM_construct_octet_string(name, data, value.size());
}

Secret derive(int mode, ByteView key, OSSL_PARAM extra, std::size_t bytes) {
  std::array<char, 9> digest{"SHA2-256"};
  const std::array<OSSL_PARAM, 5> params = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, key),
      extra,
      OSSL_PARAM_construct_end()};
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(hkdf_implementation());
  CHECK(context != nullptr);
  Bytes out(bytes);
  const int done = EVP_KDF_derive(context, as_uchar(ByteSpan(out)), out.size(), params.data());
  EVP_KDF_CTX_free(context);
  CHECK(done == 1);
  return Secret(std::move(out));
}

}  // namespace

Secret hkdf_sha256_extract(ByteView salt, ByteView key_material) {
  static constexpr std::array<std::byte, 32> kZeros{};
  return derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
                key_material,
                octets(OSSL_KDF_PARAM_SALT, salt.empty() ? ByteView(kZeros) : salt),
                32);
}

Secret hkdf_sha256_expand(ByteView pseudo_random_key, std::string_view info, std::size_t bytes) {
  return derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                pseudo_random_key,
                octets(OSSL_KDF_PARAM_INFO, as_bytes(info)),
                bytes);
}

Secret hkdf_sha256(ByteView key_material, std::string_view info, std::size_t bytes) {
  const Secret key = hkdf_sha256_extract({}, key_material);
  return hkdf_sha256_expand(key.expose(), info, bytes);
}

}  // namespace vallum::crypto
