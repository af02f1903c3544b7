#include "crypto/jose/algorithm.h"

#include <algorithm>
#include <array>

namespace vallum::crypto {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, kJwsAlgorithmCount> kNames = {"HS256",
                                                                     "RS256",
                                                                     "RS384",
                                                                     "RS512",
                                                                     "PS256",
                                                                     "PS384",
                                                                     "PS512",
                                                                     "ES256",
                                                                     "ES384",
                                                                     "ES512",
                                                                     "EdDSA"};

}  // namespace

std::string_view to_string(JwsAlgorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<JwsAlgorithm>(found - kNames.begin());
}

HashAlgorithm hash_of(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::Hs256:
    case JwsAlgorithm::Rs256:
    case JwsAlgorithm::Ps256:
    case JwsAlgorithm::Es256:
      return HashAlgorithm::Sha256;
    case JwsAlgorithm::Rs384:
    case JwsAlgorithm::Ps384:
    case JwsAlgorithm::Es384:
      return HashAlgorithm::Sha384;
    case JwsAlgorithm::Rs512:
    case JwsAlgorithm::Ps512:
    case JwsAlgorithm::Es512:
    case JwsAlgorithm::EdDsa:
      break;
  }
  return HashAlgorithm::Sha512;
}

}  // namespace vallum::crypto
