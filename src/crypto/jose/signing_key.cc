#include "crypto/jose/signing_key.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/pem.h"
#include "crypto/kdf.h"
#include "crypto/pkey.h"

namespace vallum::crypto {
namespace {

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;
constexpr std::size_t kCoordinateBytes = 32;

std::string base64url(ByteView bytes) {
  return codec::encode_base64(bytes, codec::Base64::UrlRaw);
}

// RFC 7518 3.4: r and s as two numbers of fixed length, where OpenSSL makes DER.
Bytes join_ecdsa(ByteView der) {
  const unsigned char* at = as_uchar(der);
  const Evp<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  CHECK(signature != nullptr);
  Bytes out(2 * kCoordinateBytes);
  const ByteSpan span(out);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), as_uchar(span), kCoordinateBytes) > 0);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()),
                     as_uchar(span.subspan(kCoordinateBytes)),
                     kCoordinateBytes) > 0);
  return out;
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(
             key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

bool is_private_key_label(std::string_view label) {
  return label == "PRIVATE KEY" || label == "EC PRIVATE KEY" || label == "RSA PRIVATE KEY";
}

// What tools write beside a key: openssl ecparam puts the curve before it.
bool is_harmless_label(std::string_view label) {
  return label == "EC PARAMETERS" || label == "CERTIFICATE" || label == "PUBLIC KEY";
}

// White space out, so that a wrapped base64 line reads the same.
Secret without_space(std::string_view text) {
  Bytes out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      out.push_back(static_cast<std::byte>(c));
    }
  }
  return Secret(std::move(out));
}

}  // namespace

Result<SigningKey> SigningKey::parse_pem(std::string_view pem) {
  TRY(auto native, read_private_key(pem));
  SigningKey key(std::move(native));
  if (is_p256(key.key_.get())) {
    key.describe_ec();
    return key;
  }
  if (EVP_PKEY_is_a(key.key_.get(), "RSA") != 1) {
    return fail(ErrorKind::InvalidInput, "signing key: neither EC P-256 nor RSA");
  }
  const int bits = EVP_PKEY_get_bits(key.key_.get());
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return fail(ErrorKind::InvalidInput, "signing key: RSA keys must have 2048 to 8192 bits");
  }
  key.describe_rsa();
  return key;
}

SigningKey SigningKey::derive(const Secret& shared_key) {
  const Secret seed = hkdf_sha256(shared_key.expose(), "derived-jwt-signing-key", 40);
  SigningKey key(p256_key_from(seed.expose()));
  key.describe_ec();
  return key;
}

void SigningKey::describe_ec() {
  algorithm_ = JwsAlgorithm::Es256;
  const std::string x =
      base64url(key_number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes));
  const std::string y =
      base64url(key_number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes));
  // RFC 7638 3: the required members alone, in alphabetical order, without white space.
  const std::string members = R"("crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"(")";
  set_names(members);
}

void SigningKey::describe_rsa() {
  algorithm_ = JwsAlgorithm::Rs256;
  const std::string n = base64url(key_number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 1));
  const std::string e = base64url(key_number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 1));
  const std::string members = R"("e":")" + e + R"(","kty":"RSA","n":")" + n + R"(")";
  set_names(members);
}

void SigningKey::set_names(std::string_view members) {
  const std::string algorithm(to_string(algorithm_));
  std::string object("{");
  object.append(members).append("}");
  key_id_ = to_hex(sha256(as_bytes(object)));
  public_jwk_ = R"({"use":"sig","alg":")" + algorithm + R"(","kid":")" + key_id_ + R"(",)";
  public_jwk_.append(members).append("}");
  const std::string header =
      R"({"alg":")" + algorithm + R"(","kid":")" + key_id_ + R"(","typ":"JWT"})";
  encoded_header_ = base64url(as_bytes(header));
}

std::string SigningKey::sign(std::string_view payload) const {
  std::string out = encoded_header_;
  out += '.';
  codec::append_base64(out, as_bytes(payload), codec::Base64::UrlRaw);
  const Bytes signature = signature_of(as_bytes(out));
  out += '.';
  codec::append_base64(out, signature, codec::Base64::UrlRaw);
  return out;
}

Bytes SigningKey::signature_of(ByteView message) const {
  const Evp<EVP_MD_CTX> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_DigestSignInit_ex(
            context.get(), nullptr, "SHA2-256", nullptr, nullptr, key_.get(), nullptr) == 1);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = out.size();
  CHECK(EVP_DigestSign(
            context.get(), as_uchar(ByteSpan(out)), &size, as_uchar(message), message.size()) == 1);
  out.resize(size);
  return algorithm_ == JwsAlgorithm::Es256 ? join_ecdsa(out) : out;
}

Result<SigningKeys> SigningKeys::parse(const Secret& text) {
  Secret decoded;
  std::string_view pem = text.expose_text();
  if (pem.find("-----BEGIN") == std::string_view::npos) {
    auto bytes = codec::decode_base64(without_space(pem).expose_text(), codec::Base64::Std);
    if (!bytes) {
      return fail(ErrorKind::InvalidInput, "signing key: neither PEM nor base64 of PEM");
    }
    decoded = Secret(*std::move(bytes));
    pem = decoded.expose_text();
  }
  TRY(const auto blocks, codec::split_pem(pem));
  SigningKeys keys;
  for (const codec::PemBlock& block : blocks) {
    if (is_harmless_label(block.label)) {
      continue;
    }
    if (!is_private_key_label(block.label)) {
      return fail(ErrorKind::InvalidInput,
                  "signing key: a PEM block that is not a plain private key");
    }
    TRY(SigningKey key, SigningKey::parse_pem(block.text));
    keys.keys_.push_back(std::move(key));
    if (keys.keys_.size() > kKeysMax) {
      return fail(ErrorKind::InvalidInput, "signing key: more than 16 keys");
    }
  }
  if (keys.keys_.empty()) {
    return fail(ErrorKind::InvalidInput, "signing key: no private key in the PEM text");
  }
  return keys;
}

SigningKeys SigningKeys::derive(const Secret& shared_key) {
  SigningKeys keys;
  keys.keys_.push_back(SigningKey::derive(shared_key));
  return keys;
}

SigningKeys SigningKeys::derive(const SecretList& shared_keys) {
  SigningKeys keys;
  for (const Secret& shared_key : shared_keys.all()) {
    keys.keys_.push_back(SigningKey::derive(shared_key));
  }
  return keys;
}

std::string SigningKeys::jwks() const {
  std::string out = R"({"keys":[)";
  for (const SigningKey& key : keys_) {
    if (out.back() == '}') {
      out += ',';
    }
    out += key.public_jwk();
  }
  return out + "]}";
}

}  // namespace vallum::crypto
