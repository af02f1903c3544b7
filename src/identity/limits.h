#pragma once

#include <chrono>
#include <cstddef>

#include "base/time.h"

namespace vallum::identity {

// What a provider may cost us. It is trusted for identities, not for good behaviour.
struct Limits {
  static constexpr std::size_t kMetadataBytesMax = 256 * 1024;
  static constexpr std::size_t kTokenAnswerBytesMax = 512 * 1024;
  static constexpr std::size_t kUserinfoBytesMax = 256 * 1024;
  static constexpr std::size_t kIdTokenBytesMax = 256 * 1024;
  static constexpr std::size_t kCodeBytesMax = 8 * 1024;
  static constexpr std::size_t kClaimDepthMax = 16;
  static constexpr std::size_t kClaimNodesMax = 20'000;

  // Clocks of ours and a provider's may differ by this much.
  static constexpr std::chrono::seconds kLeeway{60};
  // A logout token is used this long after it was issued.
  static constexpr std::chrono::seconds kLogoutTokenAge{300};
  // Above this a person should look at the clocks.
  static constexpr std::chrono::seconds kSkewWarned{5};

  static constexpr Duration kDocumentTimeout = std::chrono::seconds(10);
  static constexpr Duration kMetadataFresh = std::chrono::hours(12);
  static constexpr Duration kKeysFresh = std::chrono::hours(1);
  // An unknown key id makes us ask for newer keys at most once in this time, whoever sends it.
  static constexpr Duration kKeysAskedAgainAfter = std::chrono::seconds(60);
  static constexpr Duration kRetryMin = std::chrono::seconds(1);
  static constexpr Duration kRetryMax = std::chrono::seconds(30);
};

}  // namespace vallum::identity
