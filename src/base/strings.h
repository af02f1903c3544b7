#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// ASCII only and locale-free: protocol text, never text for people.
namespace vallum {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_ascii_alpha(char c) {
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'z';
}

std::string to_lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);

// Removes spaces and tabs (OWS of RFC 9110 5.6.3) at both ends.
std::string_view trim_ows(std::string_view text);
// Removes spaces, tabs, CR and LF at both ends.
std::string_view trim_space(std::string_view text);

// Pieces between separators, empty ones included; "" gives one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);

// Decimal digits only: no sign, no space, no overflow.
std::optional<std::uint64_t> parse_u64(std::string_view text);

// Valid UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// For hash tables that are searched with a string_view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

// Appends the pieces one after the other, growing `out` once. No piece may be of `out` itself.
void append_all(std::string& out, std::initializer_list<std::string_view> pieces);

}  // namespace vallum
