#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vallum::testing {

// What a test expects of a text: the text itself, or one of the forms below.
class TextMatch {
 public:
  TextMatch(std::string text)  // NOLINT(google-explicit-constructor): reads as the text
      : TextMatch(Kind::Equal, std::move(text)) {}
  TextMatch(const char* text)  // NOLINT(google-explicit-constructor): reads as the text
      : TextMatch(Kind::Equal, text) {}

  bool matches(std::string_view text) const;
  bool wants_absence() const { return kind_ == Kind::Absent; }
  std::string description() const;

 private:
  friend TextMatch starts_with(std::string text);
  friend TextMatch contains(std::string text);
  friend TextMatch anything();
  friend TextMatch absent();
  enum class Kind : std::uint8_t { Equal, StartsWith, Contains, Anything, Absent };
  TextMatch(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  std::string text_;
};

TextMatch starts_with(std::string text);
TextMatch contains(std::string text);
TextMatch anything();
// For a field: it must not be there.
TextMatch absent();

}  // namespace vallum::testing
