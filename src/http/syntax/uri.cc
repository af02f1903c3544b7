#include "http/syntax/uri.h"

#include <algorithm>

#include "base/strings.h"
#include "http/syntax/bytes_table.h"

namespace vallum::http {
namespace {

bool is_uri_byte(char c) {
  return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
}

enum class Controls : std::uint8_t { Refuse, RefuseNul };

// Every '%' must begin an escape of two digits, and the escaped byte be no control (or no NUL).
bool escapes_are_sound(std::string_view text, Controls controls) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    const int byte = bytes::escaped_byte(text.substr(at));
    if (byte <= 0 || (controls == Controls::Refuse && (byte < 0x20 || byte == 0x7f))) {
      return false;
    }
  }
  return true;
}

std::optional<Scheme> take_scheme(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !text.substr(colon).starts_with("://")) {
    return std::nullopt;
  }
  const std::string_view name = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  if (iequals(name, "https")) {
    return Scheme::Https;
  }
  if (iequals(name, "http")) {
    return Scheme::Http;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Scheme scheme) {
  return scheme == Scheme::Https ? "https" : "http";
}

std::uint16_t default_port(Scheme scheme) {
  return scheme == Scheme::Https ? 443 : 80;
}

Result<Uri> Uri::parse(std::string_view text) {
  if (text.size() > kBytesMax) {
    return fail(ErrorKind::InvalidInput, "URL: too long");
  }
  if (!std::ranges::all_of(text, is_uri_byte)) {
    return fail(ErrorKind::InvalidInput, "URL: contains a byte that must be escaped");
  }
  const auto scheme = take_scheme(text);
  if (!scheme) {
    return fail(ErrorKind::InvalidInput, "URL: does not begin with https:// or http://");
  }
  const std::size_t authority_end = std::min(text.find_first_of("/?#"), text.size());
  TRY(const auto authority, Authority::parse(text.substr(0, authority_end)));
  if (authority.host().starts_with('.')) {
    return fail(ErrorKind::InvalidInput, "URL: the host begins with a dot");
  }
  text.remove_prefix(authority_end);
  const std::string_view path = text.substr(0, text.find_first_of("?#"));
  text.remove_prefix(path.size());
  const std::string_view query = text.substr(0, text.find('#'));
  const std::string_view fragment = text.substr(query.size());
  if (path.starts_with("//")) {
    return fail(ErrorKind::InvalidInput, "URL: the path begins with two slashes");
  }
  if (fragment.find('#', 1) != std::string_view::npos) {
    return fail(ErrorKind::InvalidInput, "URL: more than one fragment");
  }
  if (!escapes_are_sound(path, Controls::Refuse) ||
      !escapes_are_sound(query, Controls::RefuseNul) ||
      !escapes_are_sound(fragment, Controls::RefuseNul)) {
    return fail(ErrorKind::InvalidInput, "URL: a percent escape is broken or hides a control");
  }
  Uri uri;
  uri.scheme_ = *scheme;
  uri.authority_ = authority.without_port(default_port(*scheme));
  uri.text_.append(to_string(*scheme)).append("://").append(uri.authority_.text());
  uri.authority_end_ = uri.text_.size();
  uri.text_.append(path.empty() ? "/" : path);
  uri.path_end_ = uri.text_.size();
  uri.text_.append(query);
  uri.query_end_ = uri.text_.size();
  uri.text_.append(fragment);
  return uri;
}

Result<Uri> Uri::of_request(Scheme scheme, const Authority& authority, std::string_view target) {
  std::string text(to_string(scheme));
  text.append("://").append(authority.text());
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t at = 0; at < target.size(); ++at) {
    const char c = target[at];
    const bool lone_percent = c == '%' && bytes::escaped_byte(target.substr(at)) < 0;
    if (is_uri_byte(c) && c != '#' && !lone_percent) {
      text.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text.push_back('%');
    text.push_back(kHex[byte >> 4U]);
    text.push_back(kHex[byte & 15U]);
  }
  return parse(text);
}

std::optional<std::string_view> Uri::query() const {
  if (query_end_ == path_end_) {
    return std::nullopt;
  }
  return piece(path_end_ + 1, query_end_);
}

std::optional<std::string_view> Uri::fragment() const {
  if (text_.size() == query_end_) {
    return std::nullopt;
  }
  return piece(query_end_ + 1, text_.size());
}

}  // namespace vallum::http
