#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::ext_authz {

// Questions that all proxies together may have under way over gRPC. Beyond: told at once to refuse.
inline constexpr std::size_t kChecksMax = 4096;
// Of one question over gRPC: the longest head there is by default, twice over. Beyond:
// RESOURCE_EXHAUSTED, without reading it.
inline constexpr std::size_t kQuestionBytesMax = 512 * 1024;
// Questions of one connection over gRPC. Beyond: the caller waits.
inline constexpr std::size_t kStreamsMax = 1024;
// Memory and threads of gRPC. Beyond: connections and calls are refused.
inline constexpr std::size_t kGrpcBytesMax = std::size_t{64} << 20;
inline constexpr int kGrpcThreadsMax = 16;
// Between two messages about strangers, who could otherwise fill the log.
inline constexpr Duration kStrangerInterval = std::chrono::minutes(1);
// How long checks that are under way may go on when the process ends.
inline constexpr Duration kStopGrace = std::chrono::seconds(5);

}  // namespace vallum::ext_authz
