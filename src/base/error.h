#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"

namespace vallum {

// Every member is one that some caller treats differently; http/status_of.h maps each to a status.
enum class ErrorKind : std::uint8_t {
  InvalidInput,       // the peer or operator sent something malformed: answer 400, name the place
  Unauthenticated,    // no valid credential: start a login or answer 401
  PermissionDenied,   // known and refused: answer 403
  NotFound,           // no such thing
  Conflict,           // it exists already, or changed since it was read: read again
  ResourceExhausted,  // a limit was reached: shed
  DeadlineExceeded,   // time ran out
  Cancelled,          // the caller went away
  Unavailable,        // a part we depend on is down: try again later
  Internal,           // our mistake
};

// Returns the member's name as written above.
std::string_view to_string(ErrorKind kind);

// Why something failed: a kind to act on, and text for a person. A text with static storage
// allocates nothing.
class Error {
 public:
  // `text` must have static storage (a literal).
  constexpr Error(ErrorKind kind, const char* text) noexcept : kind_(kind), text_(text) {}

  // Keeps the formatted text on the heap.
  Error(ErrorKind kind, std::string text);

  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  ErrorKind kind() const { return kind_; }

  // Until the next non-const call.
  std::string_view message() const { return detail_ ? std::string_view(*detail_) : text_; }

  // Returns the same error with "context: " before its message.
  Error with_context(std::string_view context) const;

 private:
  ErrorKind kind_;
  std::string_view text_;
  std::unique_ptr<std::string> detail_;
};

}  // namespace vallum

// "Cannot happen" on one request: counts, reports and yields an Error that fails that request
// closed.
#define BUG(text)                                    \
  (::vallum::report_bug(__FILE__, __LINE__, (text)), \
   ::vallum::Error(::vallum::ErrorKind::Internal, "internal error: " text))
