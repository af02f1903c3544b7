#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vallum::http {

// What to do with %2F and %5C in a path: applications differ on whether they separate segments.
enum class EscapedSlashes : std::uint8_t {
  Keep,
  Reject,
  UnescapeAndRedirect,
  UnescapeAndForward,
};

struct NormalizeOptions {
  bool normalize_path = true;
  bool merge_slashes = true;
  EscapedSlashes escaped_slashes = EscapedSlashes::Reject;
};

// The one form of path and query that router, policy, log and upstream all see.
struct NormalizedTarget {
  std::string_view text;  // path, and '?' and query when there is one: what goes upstream
  std::string_view path;
  std::string_view query;  // without '?'
  bool has_query = false;
  // Escaped slashes were unescaped and the client is to be told: answer 307 with `text`.
  bool must_redirect = false;
};

// Brings an origin-form target into that form: dot segments removed (%2e is a dot), escapes of
// unreserved bytes decoded, '\' turned into '/', slashes merged; other escapes and the query keep
// their bytes. Stable: a normalised target is not changed again. The views point into `target` when
// it was normal already and into `scratch` otherwise, until either changes.
//
// Refused (InvalidInput) is what has no form that everybody behind us would agree on: fragments,
// bytes outside visible ASCII, %00, escapes that are not two hexadecimal digits (some servers read
// %u002e), escaped slashes unless allowed, and dot segments that only some servers see: "/..;x/",
// and "/..%2fx" where escaped slashes are kept.
Result<NormalizedTarget> normalize_target(std::string_view target,
                                          const NormalizeOptions& options,
                                          std::string& scratch);

// The path with every escape decoded, as policies compare it. `path` itself when there is nothing
// to decode, else a view of `scratch`. Requires a normalised path.
std::string_view decode_path(std::string_view path, std::string& scratch);

}  // namespace vallum::http
