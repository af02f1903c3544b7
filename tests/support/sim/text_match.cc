#include "support/sim/text_match.h"

#include <utility>

namespace vallum::testing {

bool TextMatch::matches(std::string_view text) const {
  switch (kind_) {
    case Kind::Equal:
      return text == text_;
    case Kind::StartsWith:
      return text.starts_with(text_);
    case Kind::Contains:
      return text.find(text_) != std::string_view::npos;
    case Kind::Anything:
      return true;
    case Kind::Absent:
      break;
  }
  return false;
}

std::string TextMatch::description() const {
  switch (kind_) {
    case Kind::Equal:
      return "'" + text_ + "'";
    case Kind::StartsWith:
      return "something that starts with '" + text_ + "'";
    case Kind::Contains:
      return "something that contains '" + text_ + "'";
    case Kind::Anything:
      return "anything";
    case Kind::Absent:
      break;
  }
  return "nothing";
}

TextMatch starts_with(std::string text) {
  return {TextMatch::Kind::StartsWith, std::move(text)};
}
TextMatch contains(std::string text) {
  return {TextMatch::Kind::Contains, std::move(text)};
}
TextMatch anything() {
  return {TextMatch::Kind::Anything, {}};
}
TextMatch absent() {
  return {TextMatch::Kind::Absent, {}};
}

}  // namespace vallum::testing
