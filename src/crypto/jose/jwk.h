#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/node.h"
#include "crypto/evp.h"
#include "crypto/jose/algorithm.h"

namespace vallum::crypto {

// A public key for signatures, read from a JSON Web Key (RFC 7517): RSA of 2048 to 8192 bits,
// P-256, P-384, P-521 or Ed25519. Its type decides which algorithms it can verify, so a token
// cannot turn an RSA key into an HMAC secret. Any thread.
class Jwk {
 public:
  enum class Type : std::uint8_t { Rsa, P256, P384, P521, Ed25519 };

  // InvalidInput for a malformed, weak or private key, a point that is not on its curve, and a key
  // that is not for verifying signatures ("use", "key_ops", "alg").
  static Result<Jwk> parse(const codec::Node& node);

  Type type() const { return type_; }
  // "" when the key has none.
  const std::string& key_id() const { return key_id_; }
  bool can_verify(JwsAlgorithm algorithm) const;
  // Requires can_verify(algorithm).
  bool verify(JwsAlgorithm algorithm, ByteView message, ByteView signature) const;

 private:
  Jwk() = default;

  Type type_ = Type::Rsa;
  std::string key_id_;
  std::optional<JwsAlgorithm> algorithm_;
  Evp<evp_pkey_st> key_;
};

// A provider's keys. Immutable; any thread.
class JwkSet {
 public:
  static constexpr std::size_t kBytesMax = 256 * 1024;
  static constexpr std::size_t kKeysMax = 100;

  // Keys of kinds we do not use are skipped, as RFC 7517 5 asks. InvalidInput when the text is too
  // long, not a key set, has too many keys, or two usable ones of one id and type.
  static Result<JwkSet> parse(std::string_view json);

  const std::vector<Jwk>& keys() const { return keys_; }
  bool contains(std::string_view key_id) const;

 private:
  std::vector<Jwk> keys_;
};

}  // namespace vallum::crypto
