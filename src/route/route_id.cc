#include "route/route_id.h"

#include <array>
#include <string_view>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/strings.h"

namespace vallum::route {
namespace {

// The byte stream that is hashed: little-endian numbers, texts behind their length.
class Stream {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      byte(static_cast<std::uint8_t>(value >> shift));
    }
  }
  void boolean(bool value) { byte(value ? 1 : 0); }
  void text(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }

  void maybe(const std::optional<bool>& value) {
    boolean(value.has_value());
    if (value) {
      boolean(*value);
    }
  }
  void maybe(const std::optional<std::string>& value) {
    boolean(value.has_value());
    if (value) {
      text(*value);
    }
  }
  void maybe(const std::optional<std::uint32_t>& value) {
    boolean(value.has_value());
    if (value) {
      u32(*value);
    }
  }
  void maybe(const std::optional<std::int32_t>& value) {
    boolean(value.has_value());
    if (value) {
      u32(static_cast<std::uint32_t>(*value));
    }
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

int hex_value(char c) {
  if (is_ascii_digit(c)) {
    return c - '0';
  }
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    const int high = at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = high < 0 ? -1 : hex_value(text[at + 2]);
    if (low < 0) {
      return std::nullopt;
    }
    decoded.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  return decoded;
}

std::string encode(std::string_view text, std::string_view unescaped) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_ascii_alpha(c) || is_ascii_digit(c) || unescaped.find(c) != std::string_view::npos) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(kHex[byte >> 4U]);
    encoded.push_back(kHex[byte & 15U]);
  }
  return encoded;
}

// What the reference's URL type leaves unescaped, by part. Written differently, the original
// escaping is hashed as well.
constexpr std::string_view kPathUnescaped = "-_.~$&+,/:;=@";
constexpr std::string_view kFragmentUnescaped = "-_.~$&+,/:;=?@!()*";

std::string lower_scheme(std::string_view& url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos) {
    return {};
  }
  std::string scheme = to_lower(url.substr(0, colon));
  url.remove_prefix(colon + 1);
  return scheme;
}

std::string_view cut_back(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

void add_userinfo(Stream& stream, std::string_view& authority) {
  const std::size_t at = authority.rfind('@');
  stream.boolean(at != std::string_view::npos);
  if (at == std::string_view::npos) {
    return;
  }
  std::string_view user = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const std::string_view password = cut_back(user, ':');
  stream.text(decode(user).value_or(std::string(user)));
  stream.text(decode(password).value_or(std::string(password)));
}

// The decoded part, then the original where that is not its canonical escaping.
Result<void> add_escaped(Stream& stream, std::string_view original, std::string_view unescaped) {
  const auto decoded = decode(original);
  if (!decoded) {
    return fail(ErrorKind::InvalidInput, "to: a percent escape is broken");
  }
  stream.text(*decoded);
  stream.text(encode(*decoded, unescaped) == original ? std::string_view() : original);
  return {};
}

Result<void> add_target(Stream& stream, const RouteTarget& target) {
  std::string_view rest = target.url;
  const std::string_view fragment = cut_back(rest, '#');
  const std::string scheme = lower_scheme(rest);
  const bool force_query = rest.ends_with('?') && rest.find('?') == rest.size() - 1;
  cut_back(rest, '?');
  const bool is_opaque = !rest.starts_with('/');
  const bool has_authority = rest.starts_with("//");
  std::string_view authority;
  std::string_view path = is_opaque ? std::string_view() : rest;
  if (has_authority) {
    authority = rest.substr(2, rest.find('/', 2) - 2);
    path = rest.substr(2 + authority.size());
  }
  stream.text(scheme);
  stream.text(is_opaque ? rest : std::string_view());
  add_userinfo(stream, authority);
  stream.text(authority);
  TRY_OK(add_escaped(stream, path, kPathUnescaped));
  stream.boolean(!is_opaque && !has_authority);
  stream.boolean(force_query);
  TRY_OK(add_escaped(stream, fragment, kFragmentUnescaped));
  stream.u32(target.weight);
  return {};
}

void add_redirect(Stream& stream, const RouteRedirect& redirect) {
  stream.maybe(redirect.https_redirect);
  stream.maybe(redirect.scheme_redirect);
  stream.maybe(redirect.host_redirect);
  stream.maybe(redirect.port_redirect);
  stream.maybe(redirect.path_redirect);
  stream.maybe(redirect.prefix_rewrite);
  stream.maybe(redirect.response_code);
  stream.maybe(redirect.strip_query);
}

}  // namespace

Result<std::string> route_id(const RouteIdentity& route) {
  Stream stream;
  stream.text(route.from);
  stream.text(route.prefix);
  stream.text(route.path);
  stream.text(route.regex);
  if (!route.to.empty()) {
    stream.byte(1);
    stream.u32(static_cast<std::uint32_t>(route.to.size()));
    for (const RouteTarget& target : route.to) {
      TRY_OK(add_target(stream, target));
    }
  } else if (route.redirect) {
    stream.byte(2);
    add_redirect(stream, *route.redirect);
  } else if (route.response) {
    stream.byte(3);
    stream.u32(static_cast<std::uint32_t>(route.response->status));
    stream.text(route.response->body);
  }
  const std::uint64_t hash = XXH3_64bits(stream.bytes().data(), stream.bytes().size());
  std::array<std::byte, 8> digest{};
  store_be64(hash, digest.data());
  return to_hex(digest);
}

}  // namespace vallum::route
