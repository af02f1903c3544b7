#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace vallum::refresh {

// How hard we may press a provider, and how long things may take.
struct Limits {
  // An access token is exchanged this long before it expires, or half of its life when that is
  // less. Up to a tenth of it is jitter.
  static constexpr Duration kGrace = std::chrono::seconds(60);
  // Never sooner after the last try.
  static constexpr Duration kPauseMin = std::chrono::seconds(10);
  static constexpr Duration kPauseMax = std::chrono::minutes(10);
  // A token that lives shorter cannot be kept fresh: its session waits longer after each one.
  static constexpr Duration kUsefulLife = kGrace;
  static constexpr Duration kUserInfoEvery = std::chrono::minutes(10);

  // Calls of one provider at a time.
  static constexpr std::size_t kCallsMax = 32;
  // Jobs begun per second: this many, or what gets through all sessions in kRoundMin.
  static constexpr std::uint64_t kStartsPerSecond = 10;
  static constexpr Duration kRoundMin = std::chrono::minutes(10);
  // So much work that was not used up may be begun at once.
  static constexpr Duration kBurst = std::chrono::seconds(1);
  // Failures in a row after which a provider is asked by one session at a time, after pauses.
  static constexpr unsigned kFailuresBeforePause = 3;

  static constexpr Duration kRefreshTimeout = std::chrono::seconds(8);
  static constexpr Duration kUserInfoTimeout = std::chrono::seconds(10);
  static constexpr Duration kStoreTimeout = std::chrono::seconds(5);

  static constexpr Duration kLeaseTime = std::chrono::seconds(30);
  static constexpr Duration kLeaseRenewal = kLeaseTime / 2;
  // A refresh begins only while the lease is ours for so long: its answer must be kept by then.
  static constexpr Duration kLeaseLeft = kRefreshTimeout + std::chrono::seconds(4);

  // A jump of the clock of this much makes every instant be worked out anew.
  static constexpr Duration kClockJump = std::chrono::seconds(1);
  // How long the clock may go on unlooked at.
  static constexpr Duration kLook = std::chrono::seconds(5);

  // Records read at a time when all are read.
  static constexpr std::size_t kPageRecords = 200;
  // A write whose record changes under it is made again so often.
  static constexpr int kWriteTries = 8;
  // New tokens are held this long while the store does not take them.
  static constexpr Duration kHoldTokens = std::chrono::minutes(10);
  static constexpr Duration kStorePause = std::chrono::seconds(1);
};

}  // namespace vallum::refresh
