#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::ext_authz {

// Questions that all proxies together may have under way over gRPC. Beyond: told at once to refuse.
inline constexpr std::size_t kChecksMax = 4096;
// Of one question over gRPC: the longest head there is by default, twice over. Beyond:
// RESOURCE_EXHAUSTED, without parsing it.
inline constexpr std::size_t kQuestionBytesMax = 512 * 1024;
// Questions of one connection over gRPC. Beyond: the caller waits.
inline constexpr std::size_t kStreamsMax = 1024;
// Between two messages about strangers, who could otherwise fill the log.
inline constexpr Duration kStrangerInterval = std::chrono::minutes(1);

}  // namespace vallum::ext_authz
