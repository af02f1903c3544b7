#include "pages/html.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::pages {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
}

// The same characters are escaped in text and in quoted attributes.
void append_escaped(std::string& out, std::string_view value) {
  const bool valid = is_utf8(value);
  for (const char c : value) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (is_control(c) || (!valid && static_cast<unsigned char>(c) >= 0x80)) {
          out += kReplacement;
        } else {
          out += c;
        }
    }
  }
}

}  // namespace

bool is_web_address(std::string_view text) {
  // Browsers drop tabs and newlines inside a URL and read "\" as "/", so neither may occur.
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c == '\\' || c == 0x7f; })) {
    return false;
  }
  if (text.starts_with('/')) {
    return !text.starts_with("//");
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const std::string_view scheme = text.substr(0, colon);
  return (iequals(scheme, "https") || iequals(scheme, "http")) &&
         text.substr(colon + 1).starts_with("//");
}

HtmlWriter& HtmlWriter::markup(Markup literal) {
  out_ += literal.text();
  return *this;
}

HtmlWriter& HtmlWriter::text(std::string_view value) {
  append_escaped(out_, value);
  return *this;
}

HtmlWriter& HtmlWriter::attribute(Markup name, std::string_view value) {
  out_ += ' ';
  out_ += name.text();
  out_ += "=\"";
  append_escaped(out_, value);
  out_ += '"';
  return *this;
}

HtmlWriter& HtmlWriter::url(Markup name, std::string_view value) {
  return attribute(name, is_web_address(value) ? value : "#");
}

}  // namespace vallum::pages
