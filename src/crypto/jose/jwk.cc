#include "crypto/jose/jwk.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/pkey.h"

namespace vallum::crypto {
namespace {

constexpr std::size_t kRsaBitsMin = 2048;
constexpr std::size_t kRsaBitsMax = 8192;
constexpr std::size_t kExponentBytesMax = 8;
constexpr std::size_t kEd25519SignatureBytes = 64;

Unexpected unusable(const char* text) {
  return fail(ErrorKind::InvalidInput, text);
}

// A member that must be text; "" when absent.
Result<std::string_view> text_member(const codec::Node& node, std::string_view name) {
  const codec::Node* member = node.find(name);
  if (member == nullptr) {
    return std::string_view();
  }
  if (!member->is_string()) {
    return unusable("jwk: a member that is not text");
  }
  return std::string_view(member->text());
}

Result<Bytes> bytes_member(const codec::Node& node, std::string_view name, std::size_t bytes_max) {
  TRY(const std::string_view text, text_member(node, name));
  if (text.empty() || text.size() > bytes_max * 2) {
    return unusable("jwk: a number is missing or too long");
  }
  auto bytes = codec::decode_base64(text, codec::Base64::UrlRaw);
  if (!bytes || bytes->size() > bytes_max) {
    return unusable("jwk: a number is not base64url or too long");
  }
  return *std::move(bytes);
}

std::size_t bits_of(ByteView number) {
  const auto first = std::ranges::find_if(number, [](std::byte b) { return b != std::byte{0}; });
  if (first == number.end()) {
    return 0;
  }
  const auto after = static_cast<std::size_t>(number.end() - first) - 1;
  unsigned top = std::to_integer<unsigned>(*first);
  std::size_t bits = after * 8;
  for (; top != 0; top >>= 1U) {
    ++bits;
  }
  return bits;
}

bool is_odd(ByteView number) {
  return !number.empty() && (number.back() & std::byte{1}) != std::byte{0};
}

Result<Evp<EVP_PKEY>> parse_rsa(const codec::Node& node) {
  TRY(const Bytes modulus, bytes_member(node, "n", kRsaBitsMax / 8 + 1));
  TRY(const Bytes exponent, bytes_member(node, "e", kExponentBytesMax));
  const std::size_t bits = bits_of(modulus);
  if (bits < kRsaBitsMin || bits > kRsaBitsMax || !is_odd(modulus)) {
    return unusable("jwk: an RSA key must have 2048 to 8192 bits");
  }
  // 1 would make every message its own signature.
  if (bits_of(exponent) < 2 || !is_odd(exponent)) {
    return unusable("jwk: an RSA exponent must be odd and above 1");
  }
  return rsa_public_key(modulus, exponent);
}

Result<Evp<EVP_PKEY>> parse_ec(const codec::Node& node, Curve curve) {
  const std::size_t bytes = coordinate_bytes(curve);
  TRY(const Bytes x, bytes_member(node, "x", bytes));
  TRY(const Bytes y, bytes_member(node, "y", bytes));
  if (x.size() != bytes || y.size() != bytes) {
    return unusable("jwk: a coordinate has the wrong length");
  }
  return ec_public_key(curve, x, y);
}

Result<Evp<EVP_PKEY>> parse_ed25519(const codec::Node& node) {
  TRY(const Bytes point, bytes_member(node, "x", 32));
  if (point.size() != 32) {
    return unusable("jwk: an Ed25519 key has 32 bytes");
  }
  return ed25519_public_key(point);
}

Result<Jwk::Type> type_of(const codec::Node& node) {
  TRY(const std::string_view kty, text_member(node, "kty"));
  TRY(const std::string_view crv, text_member(node, "crv"));
  if (kty == "RSA") {
    return Jwk::Type::Rsa;
  }
  if (kty == "OKP" && crv == "Ed25519") {
    return Jwk::Type::Ed25519;
  }
  if (kty == "EC" && crv == "P-256") {
    return Jwk::Type::P256;
  }
  if (kty == "EC" && crv == "P-384") {
    return Jwk::Type::P384;
  }
  if (kty == "EC" && crv == "P-521") {
    return Jwk::Type::P521;
  }
  return unusable("jwk: a key type that is not supported");
}

Result<Evp<EVP_PKEY>> parse_key(const codec::Node& node, Jwk::Type type) {
  switch (type) {
    case Jwk::Type::Rsa:
      return parse_rsa(node);
    case Jwk::Type::P256:
      return parse_ec(node, Curve::P256);
    case Jwk::Type::P384:
      return parse_ec(node, Curve::P384);
    case Jwk::Type::P521:
      return parse_ec(node, Curve::P521);
    case Jwk::Type::Ed25519:
      break;
  }
  return parse_ed25519(node);
}

Result<void> check_purpose(const codec::Node& node) {
  // A provider that publishes a private key has lost it.
  if (node.find("d") != nullptr || node.find("k") != nullptr) {
    return unusable("jwk: a private key");
  }
  TRY(const std::string_view use, text_member(node, "use"));
  if (!use.empty() && use != "sig") {
    return unusable("jwk: not for signatures");
  }
  if (const codec::Node* operations = node.find("key_ops")) {
    const bool verifies = std::ranges::any_of(operations->items(), [](const codec::Node& item) {
      return item.is_string() && item.text() == "verify";
    });
    if (!verifies) {
      return unusable("jwk: not for verifying");
    }
  }
  return {};
}

const char* digest_name(JwsAlgorithm algorithm) {
  static constexpr std::array<const char*, 3> kNames = {"SHA2-256", "SHA2-384", "SHA2-512"};
  return kNames[static_cast<std::size_t>(hash_of(algorithm))];
}

bool is_pss(JwsAlgorithm algorithm) {
  return algorithm == JwsAlgorithm::Ps256 || algorithm == JwsAlgorithm::Ps384 ||
         algorithm == JwsAlgorithm::Ps512;
}

// RFC 7518 3.4 joins r and s; OpenSSL wants them as DER. Returns nothing for a wrong length.
std::optional<Bytes> ecdsa_der(ByteView joined, std::size_t coordinate) {
  if (joined.size() != 2 * coordinate) {
    return std::nullopt;
  }
  const Evp<ECDSA_SIG> signature(ECDSA_SIG_new());
  CHECK(signature != nullptr);
  const int half = static_cast<int>(coordinate);
  BIGNUM* r = BN_bin2bn(as_uchar(joined), half, nullptr);
  BIGNUM* s = BN_bin2bn(as_uchar(joined.subspan(coordinate)), half, nullptr);
  CHECK(ECDSA_SIG_set0(signature.get(), r, s) == 1);
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  unsigned char* at = as_uchar(ByteSpan(der));
  CHECK(i2d_ECDSA_SIG(signature.get(), &at) == static_cast<int>(der.size()));
  return der;
}

}  // namespace

Result<Jwk> Jwk::parse(const codec::Node& node) {
  if (!node.is_map()) {
    return unusable("jwk: not an object");
  }
  TRY_OK(check_purpose(node));
  Jwk jwk;
  TRY(jwk.type_, type_of(node));
  TRY(const std::string_view key_id, text_member(node, "kid"));
  jwk.key_id_ = key_id;
  TRY(jwk.key_, parse_key(node, jwk.type_));
  TRY(const std::string_view algorithm, text_member(node, "alg"));
  if (!algorithm.empty()) {
    const auto known = parse_jws_algorithm(algorithm);
    if (!known || !jwk.can_verify(*known)) {
      return unusable("jwk: 'alg' does not fit the key");
    }
    jwk.algorithm_ = known;
  }
  return jwk;
}

bool Jwk::can_verify(JwsAlgorithm algorithm) const {
  if (algorithm_ && *algorithm_ != algorithm) {
    return false;
  }
  switch (algorithm) {
    case JwsAlgorithm::Hs256:
      return false;
    case JwsAlgorithm::Rs256:
    case JwsAlgorithm::Rs384:
    case JwsAlgorithm::Rs512:
    case JwsAlgorithm::Ps256:
    case JwsAlgorithm::Ps384:
    case JwsAlgorithm::Ps512:
      return type_ == Type::Rsa;
    case JwsAlgorithm::Es256:
      return type_ == Type::P256;
    case JwsAlgorithm::Es384:
      return type_ == Type::P384;
    case JwsAlgorithm::Es512:
      return type_ == Type::P521;
    case JwsAlgorithm::EdDsa:
      break;
  }
  return type_ == Type::Ed25519;
}

bool Jwk::verify(JwsAlgorithm algorithm, ByteView message, ByteView signature) const {
  DCHECK(can_verify(algorithm));
  Bytes der;
  if (type_ == Type::P256 || type_ == Type::P384 || type_ == Type::P521) {
    const Curve curve = type_ == Type::P256   ? Curve::P256
                        : type_ == Type::P384 ? Curve::P384
                                              : Curve::P521;
    auto converted = ecdsa_der(signature, coordinate_bytes(curve));
    if (!converted) {
      return false;
    }
    der = *std::move(converted);
    signature = der;
  }
  if (type_ == Type::Ed25519 && signature.size() != kEd25519SignatureBytes) {
    return false;
  }
  const Evp<EVP_MD_CTX> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  EVP_PKEY_CTX* details = nullptr;
  const char* digest = type_ == Type::Ed25519 ? nullptr : digest_name(algorithm);
  CHECK(EVP_DigestVerifyInit_ex(
            context.get(), &details, digest, nullptr, nullptr, key_.get(), nullptr) == 1);
  if (is_pss(algorithm)) {
    // RFC 7518 3.5: the salt is as long as the hash.
    CHECK(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const int good = EVP_DigestVerify(
      context.get(), as_uchar(signature), signature.size(), as_uchar(message), message.size());
  ERR_clear_error();
  return good == 1;
}

Result<JwkSet> JwkSet::parse(std::string_view json) {
  if (json.size() > kBytesMax) {
    return unusable("jwks: longer than 256 KiB");
  }
  const codec::ReadLimits limits{.bytes_max = kBytesMax, .depth_max = 8, .nodes_max = 10'000};
  TRY(const codec::Node root, codec::parse_json(json, limits, codec::DuplicateKeys::Refuse));
  const codec::Node* keys = root.find("keys");
  if (keys == nullptr || !keys->is_list()) {
    return unusable("jwks: no list 'keys'");
  }
  if (keys->items().size() > kKeysMax) {
    return unusable("jwks: more than 100 keys");
  }
  JwkSet set;
  for (const codec::Node& item : keys->items()) {
    if (auto key = Jwk::parse(item)) {
      set.keys_.push_back(*std::move(key));
    }
  }
  return set;
}

bool JwkSet::contains(std::string_view key_id) const {
  return std::ranges::any_of(keys_, [&](const Jwk& key) { return key.key_id() == key_id; });
}

}  // namespace vallum::crypto
