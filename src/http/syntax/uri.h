#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/syntax/authority.h"

namespace vallum::http {

enum class Scheme : std::uint8_t { Http, Https };

std::string_view to_string(Scheme scheme);
std::uint16_t default_port(Scheme scheme);

// An absolute http or https URL in canonical form, strict enough that no browser reads another
// host out of it than we do. Parsing refuses userinfo, backslashes, bytes outside printable ASCII,
// broken percent escapes, escaped NUL anywhere and escaped controls in the path, a path that begins
// with two slashes, and every other scheme. Canonical: scheme and host in lower case, the scheme's
// own port dropped, "/" for an empty path. Path, query and fragment keep their bytes.
class Uri {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{64} * 1024;

  static Result<Uri> parse(std::string_view text);

  // The URL of a request as received: `target` is path and query in origin form. Bytes that HTTP
  // clients send but parse() refuses (a backslash or a lone percent sign in the query) are escaped.
  static Result<Uri> of_request(Scheme scheme, const Authority& authority, std::string_view target);

  // Views into this object, until it dies, moves or is assigned.
  const std::string& text() const { return text_; }
  Scheme scheme() const { return scheme_; }
  bool is_https() const { return scheme_ == Scheme::Https; }
  // https://host[:port], without a slash at the end.
  std::string_view origin() const { return piece(0, authority_end_); }
  const Authority& authority() const { return authority_; }
  std::string_view host() const { return authority_.host(); }
  // The port a client connects to: written, or the scheme's own.
  std::uint16_t port() const { return authority_.port_or(default_port(scheme_)); }
  // At least "/".
  std::string_view path() const { return piece(authority_end_, path_end_); }
  // Without '?'; nothing when there is no '?'.
  std::optional<std::string_view> query() const;
  // Path, and '?' and query when there is one.
  std::string_view path_and_query() const { return piece(authority_end_, query_end_); }
  // Without '#'; nothing when there is no '#'.
  std::optional<std::string_view> fragment() const;

  bool operator==(const Uri& other) const { return text_ == other.text_; }

 private:
  Uri() = default;
  std::string_view piece(std::size_t from, std::size_t to) const {
    return std::string_view(text_).substr(from, to - from);
  }

  std::string text_;
  Authority authority_;
  Scheme scheme_ = Scheme::Https;
  std::size_t authority_end_ = 0;
  std::size_t path_end_ = 0;
  std::size_t query_end_ = 0;
};

}  // namespace vallum::http
