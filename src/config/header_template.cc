#include "config/header_template.h"

#include <algorithm>
#include <cstddef>

#include "base/strings.h"

namespace vallum::config {

namespace {

bool starts_name(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '_';
}

// Length of a name at the front; 0 when there is none.
std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  if (text.empty() || !starts_name(text.front())) {
    return 0;
  }
  while (length < text.size() && (starts_name(text[length]) || text[length] == '-')) {
    ++length;
  }
  return length;
}

std::size_t blanks(std::string_view text) {
  return std::min(text.find_first_not_of(" \t"), text.size());
}

// Length of ["string"] at the front; 0 when it is not one.
std::size_t index_length(std::string_view text) {
  std::size_t at = 1 + blanks(text.substr(1));
  if (at >= text.size() || text[at] != '"') {
    return 0;
  }
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' ? 1U : 0U;
  }
  if (at >= text.size()) {
    return 0;
  }
  ++at;
  at += blanks(text.substr(at));
  return at < text.size() && text[at] == ']' ? at + 1 : 0;
}

// Length of what follows "$" in $name(.name)*; 0 when it is no reference.
std::size_t bare_length(std::string_view text) {
  std::size_t length = name_length(text);
  while (length != 0 && length < text.size() && text[length] == '.') {
    const std::size_t next = name_length(text.substr(length + 1));
    if (next == 0) {
      break;
    }
    length += 1 + next;
  }
  return length;
}

// Length of what follows "${" up to and with "}"; 0 when it is no reference.
std::size_t braced_length(std::string_view text) {
  std::size_t at = blanks(text);
  const std::size_t first = name_length(text.substr(at));
  if (first == 0) {
    return 0;
  }
  at += first;
  while (true) {
    at += blanks(text.substr(at));
    if (at >= text.size()) {
      return 0;
    }
    if (text[at] == '}') {
      return at + 1;
    }
    std::size_t step = 0;
    if (text[at] == '.') {
      const std::size_t gap = 1 + blanks(text.substr(at + 1));
      const std::size_t name = name_length(text.substr(std::min(at + gap, text.size())));
      step = name == 0 ? 0 : gap + name;
    } else if (text[at] == '[') {
      step = index_length(text.substr(at));
    }
    if (step == 0) {
      return 0;
    }
    at += step;
  }
}

// Length of a reference that begins with the "$" at the front; 0 when there is none.
std::size_t reference_length(std::string_view text) {
  if (text.starts_with("${")) {
    const std::size_t length = braced_length(text.substr(2));
    return length == 0 ? 0 : length + 2;
  }
  const std::size_t length = bare_length(text.substr(1));
  return length == 0 ? 0 : length + 1;
}

}  // namespace

HeaderTemplate parse_header_template(std::string_view text) {
  HeaderTemplate result;
  while (!text.empty()) {
    if (text.starts_with("$$")) {
      result.text.push_back('$');
      text.remove_prefix(2);
      continue;
    }
    const std::size_t length = text.front() == '$' ? reference_length(text) : 0;
    if (length == 0) {
      result.text.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    if (result.reference.empty()) {
      result.reference = text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace vallum::config
