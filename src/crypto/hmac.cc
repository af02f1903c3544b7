#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

EVP_MAC* hmac_implementation() {
  static EVP_MAC* const kMac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHECK(kMac != nullptr);
  return kMac;
}

}  // namespace

Hmac::Hmac(MacAlgorithm algorithm, ByteView key)
    : context_(EVP_MAC_CTX_new(hmac_implementation())) {
  CHECK(context_ != nullptr);
  // OpenSSL takes the name as char*, and only reads it.
  std::array<char, 16> name{};
  const std::string_view text = algorithm == MacAlgorithm::HmacSha256 ? "SHA2-256" : "SHA2-512/256";
  text.copy(name.data(), name.size());
  const std::array<OSSL_PARAM, 2> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
      OSSL_PARAM_construct_end()};
  // A null key would mean "the key set before"; an empty key is a key.
  static constexpr unsigned char kEmpty = 0;
  const unsigned char* bytes = key.empty() ? &kEmpty : as_uchar(key);
  CHECK(EVP_MAC_init(context_.get(), bytes, key.size(), params.data()) == 1);
}

Mac Hmac::mac(ByteView message) {
  return mac({message});
}

Mac Hmac::mac(std::initializer_list<ByteView> parts) {
  CHECK(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  for (const ByteView part : parts) {
    CHECK(EVP_MAC_update(context_.get(), as_uchar(part), part.size()) == 1);
  }
  Mac out{};
  std::size_t size = 0;
  CHECK(EVP_MAC_final(context_.get(), as_uchar(ByteSpan(out)), &size, out.size()) == 1);
  CHECK(size == out.size());
  return out;
}

bool Hmac::verify(ByteView message, ByteView expected) {
  return constant_time_equal(mac(message), expected);
}

Mac hmac(MacAlgorithm algorithm, ByteView key, ByteView message) {
  return Hmac(algorithm, key).mac(message);
}

}  // namespace vallum::crypto
