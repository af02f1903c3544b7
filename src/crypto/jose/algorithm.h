#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "crypto/digest.h"

namespace vallum::crypto {

// The signature algorithms of RFC 7518 3.1 and RFC 8037 3.1 that this program speaks. "none" is not
// among them.
enum class JwsAlgorithm : std::uint8_t {
  Hs256,
  Rs256,
  Rs384,
  Rs512,
  Ps256,
  Ps384,
  Ps512,
  Es256,
  Es384,
  Es512,
  EdDsa,
};
inline constexpr std::uint8_t kJwsAlgorithmCount = 11;

// The registered name: "RS256".
std::string_view to_string(JwsAlgorithm algorithm);
// Case-sensitive, as RFC 7515 4.1.1 asks.
std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name);

// The hash of the algorithm; SHA-512 for EdDSA, as OpenID Connect counts at_hash for Ed25519.
HashAlgorithm hash_of(JwsAlgorithm algorithm);

class JwsAlgorithmSet {
 public:
  constexpr JwsAlgorithmSet() = default;
  constexpr JwsAlgorithmSet(std::initializer_list<JwsAlgorithm> algorithms) {
    for (const JwsAlgorithm algorithm : algorithms) {
      insert(algorithm);
    }
  }
  // Every algorithm with a public key.
  static constexpr JwsAlgorithmSet asymmetric() {
    JwsAlgorithmSet set;
    set.bits_ = ((1U << kJwsAlgorithmCount) - 1U) & ~1U;
    return set;
  }

  constexpr void insert(JwsAlgorithm algorithm) { bits_ |= bit(algorithm); }
  constexpr bool contains(JwsAlgorithm algorithm) const { return (bits_ & bit(algorithm)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const JwsAlgorithmSet&) const = default;

 private:
  static constexpr unsigned bit(JwsAlgorithm algorithm) {
    return 1U << static_cast<unsigned>(algorithm);
  }
  unsigned bits_ = 0;
};

}  // namespace vallum::crypto
