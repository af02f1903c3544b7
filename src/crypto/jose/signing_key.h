#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "crypto/evp.h"
#include "crypto/jose/algorithm.h"

namespace vallum::crypto {

// A private key that signs tokens: P-256 with ES256 or RSA (2048 to 8192 bits) with RS256.
// Immutable; any thread. ECDSA nonces are OpenSSL's own.
class SigningKey {
 public:
  // The first private key of PEM text.
  static Result<SigningKey> parse_pem(std::string_view pem);
  // The P-256 key that every node with this shared key has, so that none needs to be configured:
  // HKDF-SHA-256 with info "derived-jwt-signing-key".
  static SigningKey derive(const Secret& shared_key);

  JwsAlgorithm algorithm() const { return algorithm_; }
  // Lower-case hexadecimal of the SHA-256 thumbprint (RFC 7638).
  const std::string& key_id() const { return key_id_; }
  // One JSON object: kty and the public numbers, with use, alg and kid.
  const std::string& public_jwk() const { return public_jwk_; }

  // Compact JWS of the payload, with alg, kid and typ "JWT" in the header.
  std::string sign(std::string_view payload) const;

 private:
  explicit SigningKey(Evp<evp_pkey_st> key) : key_(std::move(key)) {}
  void describe_ec();
  void describe_rsa();
  void set_names(std::string_view members);
  Bytes signature_of(ByteView message) const;

  Evp<evp_pkey_st> key_;
  JwsAlgorithm algorithm_ = JwsAlgorithm::Es256;
  std::string key_id_;
  std::string public_jwk_;
  std::string encoded_header_;
};

// The keys of a deployment during a rotation: the first signs, all are published.
class SigningKeys {
 public:
  static constexpr std::size_t kKeysMax = 16;

  // PEM text with one or more private keys, or base64 of it.
  static Result<SigningKeys> parse(const Secret& text);
  static SigningKeys derive(const Secret& shared_key);
  // One of each: what was signed before a change of the secret goes on being verified.
  static SigningKeys derive(const SecretList& shared_keys);

  const SigningKey& active() const { return keys_.front(); }
  const std::vector<SigningKey>& keys() const { return keys_; }
  // {"keys":[...]}
  std::string jwks() const;

 private:
  SigningKeys() = default;
  std::vector<SigningKey> keys_;
};

}  // namespace vallum::crypto
