#pragma once

#include <string_view>

namespace vallum {

// Ends the process with the place and the condition on standard error.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

// Counts a broken assumption and reports each place once on standard error. See BUG in error.h.
void report_bug(const char* file, int line, std::string_view text);

}  // namespace vallum

// An invariant without which going on is unsafe. Never depends on bytes from a peer, a file or a
// clock.
#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) [[unlikely]] {                          \
      ::vallum::check_failed(__FILE__, __LINE__, #condition); \
    }                                                         \
  } while (false)

// A fact the code relies on and a reader should know; checked in debug, tests and fuzzing.
#ifdef VALLUM_DCHECKS
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition)           \
  do {                              \
    if (false) {                    \
      static_cast<void>(condition); \
    }                               \
  } while (false)
#endif
