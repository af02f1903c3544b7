#include "codec/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/strings.h"
#include "codec/base64.h"

namespace vallum::codec {

namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_null_word(std::string_view text) {
  return is_one_of(text, std::to_array<std::string_view>({"", "~", "null", "Null", "NULL"}));
}

std::optional<bool> bool_word(std::string_view text) {
  if (is_one_of(text, std::to_array<std::string_view>({"true", "True", "TRUE"}))) {
    return true;
  }
  if (is_one_of(text, std::to_array<std::string_view>({"false", "False", "FALSE"}))) {
    return false;
  }
  return std::nullopt;
}

bool is_not_finite(std::string_view text) {
  const bool is_signed = text.starts_with('+') || text.starts_with('-');
  const std::string_view word = text.substr(is_signed ? 1 : 0);
  return is_one_of(word, std::to_array<std::string_view>({".inf", ".Inf", ".INF"})) ||
         (!is_signed && is_one_of(text, std::to_array<std::string_view>({".nan", ".NaN", ".NAN"})));
}

// The base a prefix asks for, and the digits behind it. A leading 0 means octal, as in YAML 1.1.
struct Digits {
  int base = 10;
  std::string_view text;
};

Digits digits_of(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') {
    return {.base = 10, .text = text};
  }
  switch (ascii_lower(text[1])) {
    case 'x':
      return {.base = 16, .text = text.substr(2)};
    case 'o':
      return {.base = 8, .text = text.substr(2)};
    case 'b':
      return {.base = 2, .text = text.substr(2)};
    default:
      return {.base = 8, .text = text.substr(1)};
  }
}

// Decimal text of an integer that 64 bits hold.
std::optional<std::string> integer_text(std::string_view text) {
  const bool negative = text.starts_with('-');
  text.remove_prefix(negative || text.starts_with('+') ? 1 : 0);
  const Digits digits = digits_of(text);
  std::uint64_t value = 0;
  const char* const end = digits.text.data() + digits.text.size();
  const auto [stop, error] = std::from_chars(digits.text.data(), end, value, digits.base);
  constexpr std::uint64_t kMinMagnitude = std::uint64_t{1} << 63;
  if (digits.text.empty() || error != std::errc{} || stop != end ||
      (negative && value > kMinMagnitude)) {
    return std::nullopt;
  }
  return (negative && value != 0 ? "-" : "") + std::to_string(value);
}

std::string_view take_digits(std::string_view& rest) {
  std::size_t count = 0;
  while (count < rest.size() && is_ascii_digit(rest[count])) {
    ++count;
  }
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

// JSON number text of [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<std::string> float_text(std::string_view text) {
  std::string out = text.starts_with('-') ? "-" : "";
  text.remove_prefix(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  std::string_view whole = take_digits(text);
  std::string_view fraction;
  const bool has_point = text.starts_with('.');
  if (has_point) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) {
    return std::nullopt;
  }
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  out.append(whole.empty() ? "0" : whole);
  if (!fraction.empty()) {
    out.append(".").append(fraction);
  }
  if (text.empty()) {
    return out;
  }
  if (text.front() != 'e' && text.front() != 'E') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  out.push_back('e');
  if (text.starts_with('-') || text.starts_with('+')) {
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  const std::string_view exponent = take_digits(text);
  constexpr std::size_t kExponentDigitsMax = 6;  // Beyond any use; readers of JSON refuse it.
  if (exponent.empty() || exponent.size() > kExponentDigitsMax || !text.empty()) {
    return std::nullopt;
  }
  return out.append(exponent);
}

std::optional<std::string> number_text(std::string_view text) {
  const bool starts_as_number =
      !text.empty() && (is_ascii_digit(text.front()) || text.front() == '+' ||
                        text.front() == '-' || text.front() == '.');
  if (!starts_as_number) {
    return std::nullopt;
  }
  std::string plain(text);
  // "1_000" is a number of YAML 1.1; behind a leading point it is not.
  if (text.front() != '.') {
    std::erase(plain, '_');
  }
  auto integer = integer_text(plain);
  return integer ? std::move(integer) : float_text(plain);
}

ReadResult<Node> resolve_binary(std::string_view text, Position at) {
  std::string compact(text);
  std::erase_if(compact, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  const auto bytes = decode_base64(compact, Base64::Std);
  if (!bytes || !is_utf8(as_text(*bytes))) {
    return read_failure(at, "!!binary takes base64 of UTF-8 text");
  }
  return Node::string(std::string(as_text(*bytes)), at);
}

}  // namespace

ReadResult<Node> resolve_yaml_plain(std::string_view text, Position at) {
  if (is_null_word(text)) {
    return Node::null(at);
  }
  if (const auto boolean = bool_word(text)) {
    return Node::boolean(*boolean, at);
  }
  if (is_not_finite(text)) {
    return read_failure(at, "infinity and NaN have no use here: quote the text if it is a string");
  }
  if (auto number = number_text(text)) {
    return Node::number(*std::move(number), at);
  }
  return Node::string(std::string(text), at);
}

ReadResult<Node> resolve_yaml_tagged(std::string_view tag, std::string_view text, Position at) {
  const std::string_view name =
      tag.starts_with(kTagPrefix) ? tag.substr(kTagPrefix.size()) : std::string_view();
  if (tag == "!" || name == "str" || name == "timestamp") {
    return Node::string(std::string(text), at);
  }
  if (name == "binary") {
    return resolve_binary(text, at);
  }
  if (name == "null" && is_null_word(text)) {
    return Node::null(at);
  }
  if (const auto boolean = bool_word(text); name == "bool" && boolean) {
    return Node::boolean(*boolean, at);
  }
  if (auto integer = integer_text(text); name == "int" && integer) {
    return Node::number(*std::move(integer), at);
  }
  if (auto number = number_text(text); name == "float" && number) {
    return Node::number(*std::move(number), at);
  }
  if (is_one_of(name, std::to_array<std::string_view>({"null", "bool", "int", "float"}))) {
    return read_failure(at, "\"" + std::string(text) + "\" is not a !!" + std::string(name));
  }
  return read_failure(at, "unknown tag \"" + std::string(tag) + "\"");
}

}  // namespace vallum::codec
