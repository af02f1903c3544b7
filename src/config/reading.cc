#include "config/reading.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/strings.h"
#include "codec/go_duration.h"
#include "codec/json.h"
#include "config/choice.h"

namespace vallum::config {

namespace {

using codec::Node;

constexpr std::string_view kNotBool = "write true or false";
constexpr std::string_view kDurationCure = "write a number with a unit, such as 30s or 1h30m";

std::string not_a(const Node& node, std::string_view what) {
  std::string message = node.is_scalar() ? quoted(node.text()) : std::string(kind_of(node));
  return message.append(" is not ").append(what);
}

std::optional<bool> weak_bool(const Node& node) {
  if (node.is_bool()) {
    return node.as_bool();
  }
  if (node.is_number()) {
    return !node.equals(Node::number("0"));
  }
  if (!node.is_string()) {
    return std::nullopt;
  }
  static constexpr auto kTrue =
      std::to_array<std::string_view>({"1", "t", "T", "true", "TRUE", "True"});
  static constexpr auto kFalse =
      std::to_array<std::string_view>({"", "0", "f", "F", "false", "FALSE", "False"});
  if (std::ranges::find(kTrue, node.text()) != kTrue.end()) {
    return true;
  }
  if (std::ranges::find(kFalse, node.text()) != kFalse.end()) {
    return false;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> weak_count(const Node& node) {
  if (node.is_bool()) {
    return node.as_bool() ? 1U : 0U;
  }
  if (node.is_number()) {
    return node.as_u64();
  }
  if (!node.is_string()) {
    return std::nullopt;
  }
  std::string_view text = node.text();
  int base = 10;
  if (text.size() > 2 && text[0] == '0') {
    const char letter = ascii_lower(text[1]);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    text.remove_prefix(base == 10 ? 0 : 2);
  }
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

// A map, or a string that holds one as JSON. Null after a fault.
const Node* as_map(Reading& reading, const Node& node) {
  if (node.is_map()) {
    return &node;
  }
  if (node.is_string() && trim_space(node.text()).starts_with('{')) {
    auto parsed = codec::parse_json(node.text(), {}, codec::DuplicateKeys::Refuse);
    if (!parsed) {
      reading.fault(node, "is not a JSON object: " + parsed.error().text);
      return nullptr;
    }
    return &reading.keep(*std::move(parsed));
  }
  reading.fault(node, not_a(node, "a mapping"));
  return nullptr;
}

template <std::size_t N>
bool read_choice(Reading& reading,
                 const Node& node,
                 const std::array<std::string_view, N>& names,
                 std::size_t& into) {
  const auto text = scalar_text(node);
  const auto index = text ? match_choice(*text, names) : std::nullopt;
  if (!index) {
    std::string cure = "write one of";
    for (const std::string_view name : names) {
      cure.append(" ").append(usual_spelling(name, names));
    }
    reading.fault(node, not_a(node, "a value of this option"), std::move(cure));
    return false;
  }
  into = *index;
  return true;
}

}  // namespace

void Reading::begin(std::string_view prefix, std::string_view name, const Value& value) {
  option_.assign(prefix).append(name);
  value_ = value;
}

Place Reading::place_of(const Node& node) const {
  return node.position().line == 0 ? value_.place
                                   : Place{.source = value_.place.source, .at = node.position()};
}

void Reading::fault(const Node& at, std::string message, std::string cure) {
  report_.error(place_of(at), option_, option_ + ": " + std::move(message), std::move(cure));
}

void Reading::notice(const Node& at, std::string message, std::string cure) {
  report_.warn(place_of(at), option_, option_ + ": " + std::move(message), std::move(cure));
}

const Node& Reading::keep(Node node) {
  return kept_.emplace_back(std::move(node));
}

std::optional<std::string> scalar_text(const Node& node) {
  if (node.is_bool()) {
    return node.as_bool() ? "1" : "0";
  }
  return node.is_scalar() ? std::optional(node.text()) : std::nullopt;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) {
    out.push_back(static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? '?' : c);
  }
  return out.append(text.size() > kShown ? "...\"" : "\"");
}

std::string_view kind_of(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Null:
      return "an empty value";
    case Node::Kind::Bool:
      return "a boolean";
    case Node::Kind::Number:
      return "a number";
    case Node::Kind::String:
      return "a string";
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      break;
  }
  return "a mapping";
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || kMarks.contains(c);
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
}

bool read_into(Reading& reading, const Node& node, bool& into) {
  const auto value = weak_bool(node);
  if (!value) {
    reading.fault(node, not_a(node, "a boolean"), std::string(kNotBool));
    return false;
  }
  into = *value;
  return true;
}

bool read_into(Reading& reading, const Node& node, std::uint32_t& into) {
  const auto value = weak_count(node);
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) {
    reading.fault(node, not_a(node, "a number from 0 to 4294967295"));
    return false;
  }
  into = static_cast<std::uint32_t>(*value);
  return true;
}

bool read_into(Reading& reading, const Node& node, std::string& into) {
  auto text = scalar_text(node);
  if (!text) {
    reading.fault(node, not_a(node, "a string"));
    return false;
  }
  into = *std::move(text);
  return true;
}

bool read_into(Reading& reading, const Node& node, Duration& into) {
  if (const auto nanoseconds = node.as_i64()) {
    if (*nanoseconds != 0) {
      reading.notice(
          node, "a number without a unit is nanoseconds", "write " + node.text() + "s for seconds");
    }
    into = Duration(*nanoseconds);
    return true;
  }
  const auto value = node.is_string() ? codec::parse_go_duration(node.text()) : std::nullopt;
  if (!value) {
    reading.fault(node, not_a(node, "a duration"), std::string(kDurationCure));
    return false;
  }
  into = *value;
  return true;
}

bool read_into(Reading& reading, const Node& node, Secret& into) {
  const auto text = scalar_text(node);
  if (!text) {
    reading.fault(node, std::string(kind_of(node)).append(" is not a string"));
    return false;
  }
  into = Secret(*text);
  return true;
}

bool read_into(Reading& reading, const Node& node, std::vector<Secret>& into) {
  std::vector<Secret> secrets;
  if (node.is_list()) {
    for (const Node& item : node.items()) {
      if (!read_into(reading, item, secrets.emplace_back())) {
        return false;
      }
    }
  } else {
    Secret text;
    if (!read_into(reading, node, text)) {
      return false;
    }
    for (const std::string_view piece : split(text.expose_text(), ',')) {
      secrets.emplace_back(piece);
    }
    secrets.resize(text.empty() ? 0 : secrets.size());
  }
  into = std::move(secrets);
  return true;
}

bool read_into(Reading& reading, const Node& node, std::optional<http::Uri>& into) {
  const auto text = scalar_text(node);
  auto uri = text ? http::Uri::parse(*text)
                  : Result<http::Uri>(fail(ErrorKind::InvalidInput, "not a string"));
  if (!uri) {
    std::string_view why = uri.error().message();
    why.remove_prefix(why.starts_with("URL: ") ? 5 : 0);
    reading.fault(node,
                  not_a(node, "an absolute URL: ").append(why),
                  "write a URL with scheme and host, such as https://login.example.com");
    return false;
  }
  into = *std::move(uri);
  return true;
}

bool read_into(Reading& reading, const Node& node, std::vector<std::string>& into) {
  std::vector<std::string> items;
  if (node.is_list()) {
    for (const Node& item : node.items()) {
      auto text = scalar_text(item);
      if (!text) {
        reading.fault(item, not_a(item, "a string"));
        return false;
      }
      items.push_back(*std::move(text));
    }
  } else if (node.is_string()) {
    for (const std::string_view piece : split(node.text(), ',')) {
      items.emplace_back(piece);
    }
    // "" is an empty list, not a list of one empty string.
    items.resize(node.text().empty() ? 0 : items.size());
  } else if (auto text = scalar_text(node); text && !node.is_null()) {
    items.push_back(*std::move(text));
  } else {
    reading.fault(node, not_a(node, "a list of strings"));
    return false;
  }
  for (const std::string& item : items) {
    if (trim_space(item) != item) {
      reading.notice(node, quoted(item) + " begins or ends with white space, which is kept");
    }
  }
  into = std::move(items);
  return true;
}

bool read_into(Reading& reading, const Node& node, std::map<std::string, std::string>& into) {
  const Node* const map = as_map(reading, node);
  if (map == nullptr) {
    return false;
  }
  std::map<std::string, std::string> values;
  for (const Node::Member& member : map->members()) {
    auto text = scalar_text(member.value);
    if (!text) {
      reading.fault(member.value, quoted(member.key) + " takes a string");
      return false;
    }
    values.insert_or_assign(member.key, *std::move(text));
  }
  into = std::move(values);
  return true;
}

bool read_into(Reading& reading, const Node& node, telemetry::LogLevel& into) {
  const auto text = scalar_text(node);
  const auto level = text ? telemetry::parse_log_level(*text)
                          : Result<telemetry::LogLevel>(fail(ErrorKind::InvalidInput, ""));
  if (!level) {
    reading.fault(node,
                  not_a(node, "a log level"),
                  "write one of trace debug info warn error fatal off, in lower case");
    return false;
  }
  into = *level;
  return true;
}

bool read_into(Reading& reading, const Node& node, codec::SameSite& into) {
  static constexpr auto kNames = std::to_array<std::string_view>({"", "none", "lax", "strict"});
  const auto text = scalar_text(node);
  for (std::size_t i = 0; text && i < kNames.size(); ++i) {
    if (iequals(*text, kNames[i])) {
      into = static_cast<codec::SameSite>(i);
      return true;
    }
  }
  reading.fault(node, not_a(node, "a SameSite value"), "write strict, lax or none");
  return false;
}

bool read_into(Reading& reading, const Node& node, IssuerFormat& into) {
  static constexpr auto kNames = std::to_array<std::string_view>({"IssuerHostOnly", "IssuerURI"});
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? static_cast<IssuerFormat>(index) : into;
  return good;
}

bool read_into(Reading& reading, const Node& node, AssertionReuse& into) {
  static constexpr auto kNames = std::to_array<std::string_view>({"cached", "per_request"});
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? static_cast<AssertionReuse>(index) : into;
  return good;
}

bool read_into(Reading& reading, const Node& node, Enforcement& into) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"UNKNOWN", "POLICY", "POLICY_WITH_DEFAULT_DENY", "REJECT_CONNECTION"});
  static constexpr std::array kValues = {Enforcement::PolicyWithDefaultDeny,
                                         Enforcement::Policy,
                                         Enforcement::PolicyWithDefaultDeny,
                                         Enforcement::RejectConnection};
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? kValues[index] : into;
  return good;
}

bool read_into(Reading& reading, const Node& node, std::optional<BearerTokenFormat>& into) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"BEARER_TOKEN_FORMAT_UNKNOWN",
                                       "BEARER_TOKEN_FORMAT_DEFAULT",
                                       "BEARER_TOKEN_FORMAT_IDP_ACCESS_TOKEN",
                                       "BEARER_TOKEN_FORMAT_IDP_IDENTITY_TOKEN",
                                       "BEARER_TOKEN_FORMAT_JWT"});
  std::size_t index = 0;
  if (!read_choice(reading, node, kNames, index)) {
    return false;
  }
  into = index == 0 ? std::nullopt : std::optional(static_cast<BearerTokenFormat>(index - 1));
  return true;
}

bool read_into(Reading& reading, const Node& node, policy::Quirks& into) {
  static constexpr auto kNames = std::to_array<std::string_view>({"required", "reference"});
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? static_cast<policy::Quirks>(index) : into;
  return good;
}

bool read_into(Reading& reading, const Node& node, http::EscapedSlashes& into) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"PATH_WITH_ESCAPED_SLASHES_ACTION_UNKNOWN",
                                       "PATH_WITH_ESCAPED_SLASHES_ACTION_KEEP_UNCHANGED",
                                       "PATH_WITH_ESCAPED_SLASHES_ACTION_REJECT_REQUEST",
                                       "PATH_WITH_ESCAPED_SLASHES_ACTION_UNESCAPE_AND_REDIRECT",
                                       "PATH_WITH_ESCAPED_SLASHES_ACTION_UNESCAPE_AND_FORWARD"});
  static constexpr std::array kValues = {http::EscapedSlashes::Keep,
                                         http::EscapedSlashes::Keep,
                                         http::EscapedSlashes::Reject,
                                         http::EscapedSlashes::UnescapeAndRedirect,
                                         http::EscapedSlashes::UnescapeAndForward};
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? kValues[index] : into;
  return good;
}

bool read_into(Reading& reading, const Node& node, http::UnderscoreNames& into) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"HEADERS_WITH_UNDERSCORES_ACTION_UNKNOWN",
                                       "HEADERS_WITH_UNDERSCORES_ACTION_ALLOW",
                                       "HEADERS_WITH_UNDERSCORES_ACTION_REJECT_REQUEST",
                                       "HEADERS_WITH_UNDERSCORES_ACTION_DROP_HEADER"});
  static constexpr std::array kValues = {http::UnderscoreNames::Allow,
                                         http::UnderscoreNames::Allow,
                                         http::UnderscoreNames::Reject,
                                         http::UnderscoreNames::Drop};
  std::size_t index = 0;
  const bool good = read_choice(reading, node, kNames, index);
  into = good ? kValues[index] : into;
  return good;
}

}  // namespace vallum::config
