#include "http/syntax/fields.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "http/syntax/bytes_table.h"

namespace vallum::http {
namespace {

struct KnownName {
  std::string_view text;
  FieldId id = FieldId::Other;
};

// In order of length, so that a name is compared with the few of its own length.
constexpr std::array kNames{
    KnownName{"te", FieldId::Te},
    KnownName{"via", FieldId::Via},
    KnownName{"host", FieldId::Host},
    KnownName{"date", FieldId::Date},
    KnownName{"accept", FieldId::Accept},
    KnownName{"cookie", FieldId::Cookie},
    KnownName{"expect", FieldId::Expect},
    KnownName{"origin", FieldId::Origin},
    KnownName{"server", FieldId::Server},
    KnownName{"referer", FieldId::Referer},
    KnownName{"trailer", FieldId::Trailer},
    KnownName{"upgrade", FieldId::Upgrade},
    KnownName{"alt-svc", FieldId::AltSvc},
    KnownName{"location", FieldId::Location},
    KnownName{"forwarded", FieldId::Forwarded},
    KnownName{"connection", FieldId::Connection},
    KnownName{"keep-alive", FieldId::KeepAlive},
    KnownName{"set-cookie", FieldId::SetCookie},
    KnownName{"user-agent", FieldId::UserAgent},
    KnownName{"content-type", FieldId::ContentType},
    KnownName{"x-request-id", FieldId::XRequestId},
    KnownName{"authorization", FieldId::Authorization},
    KnownName{"content-length", FieldId::ContentLength},
    KnownName{"sec-fetch-dest", FieldId::SecFetchDest},
    KnownName{"sec-fetch-mode", FieldId::SecFetchMode},
    KnownName{"sec-fetch-site", FieldId::SecFetchSite},
    KnownName{"http2-settings", FieldId::Http2Settings},
    KnownName{"accept-encoding", FieldId::AcceptEncoding},
    KnownName{"x-forwarded-for", FieldId::XForwardedFor},
    KnownName{"proxy-connection", FieldId::ProxyConnection},
    KnownName{"x-forwarded-host", FieldId::XForwardedHost},
    KnownName{"transfer-encoding", FieldId::TransferEncoding},
    KnownName{"x-forwarded-proto", FieldId::XForwardedProto},
    KnownName{"proxy-authorization", FieldId::ProxyAuthorization},
    KnownName{"x-pomerium-authorization", FieldId::XPomeriumAuthorization},
    KnownName{"x-forwarded-client-cert", FieldId::XForwardedClientCert},
    KnownName{"strict-transport-security", FieldId::StrictTransportSecurity},
    KnownName{"access-control-request-method", FieldId::AccessControlRequestMethod},
    KnownName{"access-control-request-headers", FieldId::AccessControlRequestHeaders},
};

constexpr std::size_t kLongestName = 30;

struct LengthRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
};

consteval std::array<LengthRange, kLongestName + 1> make_ranges() {
  std::array<LengthRange, kLongestName + 1> ranges{};
  for (std::size_t at = 0; at < kNames.size(); ++at) {
    LengthRange& range = ranges[kNames[at].text.size()];
    if (range.last == 0) {
      range.first = static_cast<std::uint8_t>(at);
    }
    range.last = static_cast<std::uint8_t>(at + 1);
  }
  return ranges;
}
constexpr auto kRanges = make_ranges();

consteval bool same_lengths_are_neighbours() {
  std::size_t counted = 0;
  for (const LengthRange& range : kRanges) {
    counted += static_cast<std::size_t>(range.last - range.first);
  }
  return counted == kNames.size();
}

// Setting bit 5 lowers letters and leaves '-' and digits alone; no other byte of a token becomes
// one of those. Requires equal sizes, a token, and a lower-case name of letters, digits and '-'.
bool token_equals(std::string_view token, std::string_view lower) {
  using words::every;
  using words::load_word;
  const std::size_t size = token.size();
  if (size < 8) {
    for (std::size_t at = 0; at < size; ++at) {
      if ((token[at] | 0x20) != lower[at]) {
        return false;
      }
    }
    return true;
  }
  for (std::size_t at = 0; at + 8 < size; at += 8) {
    if ((load_word(token.data() + at) | every(0x20)) != load_word(lower.data() + at)) {
      return false;
    }
  }
  return (load_word(token.data() + size - 8) | every(0x20)) == load_word(lower.data() + size - 8);
}

bool is_alphanumeric(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c);
}

// `word`, and then a separator or the end.
bool begins_with_word(std::string_view name, std::string_view word) {
  return name.size() >= word.size() && iequals(name.substr(0, word.size()), word) &&
         (name.size() == word.size() || !is_alphanumeric(name[word.size()]));
}

// x, a separator, `word`, and then a separator or the end.
bool is_of_family(std::string_view name, std::string_view word) {
  return name.size() > 2 && !is_alphanumeric(name[1]) && begins_with_word(name.substr(2), word);
}

}  // namespace

FieldId field_id(std::string_view name) {
  static_assert(same_lengths_are_neighbours());
  if (name.size() <= kLongestName) {
    const LengthRange range = kRanges[name.size()];
    for (std::size_t at = range.first; at < range.last; ++at) {
      if (token_equals(name, kNames[at].text)) {
        return kNames[at].id;
      }
    }
  }
  if (!name.empty() && (name[0] | 0x20) == 'x') {
    if (is_of_family(name, "pomerium")) {
      return FieldId::XPomerium;
    }
    if (is_of_family(name, "envoy")) {
      return FieldId::XEnvoy;
    }
  }
  if (begins_with_word(name, "impersonate")) {
    return FieldId::Impersonate;
  }
  return FieldId::Other;
}

const Field* Fields::find(FieldId id) const {
  if (!has(id)) {
    return nullptr;
  }
  const auto at = std::ranges::find(list_, id, &Field::id);
  return &*at;
}

const Field* Fields::find(std::string_view name) const {
  const auto at =
      std::ranges::find_if(list_, [name](const Field& field) { return iequals(field.name, name); });
  return at == list_.end() ? nullptr : &*at;
}

std::string_view Fields::value(FieldId id) const {
  const Field* field = find(id);
  return field == nullptr ? std::string_view() : field->value;
}

std::size_t Fields::count(FieldId id) const {
  if (!has(id)) {
    return 0;
  }
  return static_cast<std::size_t>(std::ranges::count(list_, id, &Field::id));
}

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return bytes::is(c, bytes::kTokenByte); });
}

bool is_field_value(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 8; at += 8) {
    const std::uint64_t word = words::load_word(at);
    // A tab takes the slow way.
    if ((words::any_below(word, 0x20) | words::any_equal(word, 0x7f)) != 0 &&
        !std::all_of(at, at + 8, is_allowed)) [[unlikely]] {
      return false;
    }
  }
  return std::all_of(at, end, is_allowed);
}

}  // namespace vallum::http
