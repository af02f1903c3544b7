#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::rpc {

// Of the metadata of a call. Beyond: RESOURCE_EXHAUSTED, and the end of the connection.
inline constexpr std::size_t kMetadataBytesMax = std::size_t{32} << 10;
// Memory and threads of gRPC for one listener. Beyond: connections and calls are refused.
inline constexpr std::size_t kBytesMax = std::size_t{128} << 20;
inline constexpr int kThreadsMax = 16;
// A connection on which nothing comes back for so long is given up; a caller that asks more often
// than the latter is cut off.
inline constexpr Duration kKeepalive = std::chrono::seconds(30);
inline constexpr Duration kKeepaliveLeast = std::chrono::seconds(2);
// For a call whose caller names no earlier deadline.
inline constexpr Duration kCallTimeout = std::chrono::seconds(30);
// How long calls that are under way may go on when the process ends.
inline constexpr Duration kStopGrace = std::chrono::seconds(5);

}  // namespace vallum::rpc
