#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::databroker {

// Of one message to us, as clients of the reference have it. Beyond: RESOURCE_EXHAUSTED, unparsed.
inline constexpr std::size_t kMessageBytesMax = std::size_t{4} << 20;
// Calls of one connection. Beyond: the caller waits.
inline constexpr std::size_t kStreamsPerConnectionMax = 256;
// Calls under way, and those of them that follow changes. Beyond: RESOURCE_EXHAUSTED at once.
inline constexpr std::size_t kCallsMax = 1024;
inline constexpr std::size_t kFollowersMax = 256;
// Changes a follower has not been sent yet that are held for it. Beyond: it reads them from the
// store when it comes to them.
inline constexpr std::size_t kFollowerChangesMax = 1024;
// Records a stream reads at a time.
inline constexpr std::size_t kStreamPage = 64;
// A follower that takes nothing for so long is cut off, and begins again.
inline constexpr Duration kFollowerStallMax = std::chrono::minutes(1);
// For what a stream reads from the store at a time.
inline constexpr Duration kCallTimeout = std::chrono::seconds(30);
// A connection to a databroker on which nothing comes back for so long is given up.
inline constexpr Duration kKeepalive = std::chrono::seconds(5);
// Of a process that asks another for records: to connect, and between attempts.
inline constexpr Duration kConnectTimeout = std::chrono::seconds(2);
inline constexpr Duration kReconnectFirst = std::chrono::milliseconds(100);
inline constexpr Duration kReconnectMost = std::chrono::seconds(3);
// How long it waits for one answer, or the next message of a list, and for the end of a list: of a
// thousand records at most. Beyond: the databroker is asked for nothing until it answers a probe.
inline constexpr Duration kAnswerTimeout = std::chrono::seconds(3);
inline constexpr Duration kListTimeout = std::chrono::seconds(30);
// Records it holds, so that they need not be asked for again, by their bytes.
inline constexpr std::size_t kHeldBytesMax = std::size_t{64} << 20;

}  // namespace vallum::databroker
