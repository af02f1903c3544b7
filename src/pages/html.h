#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vallum::pages {

// An https or http URL, or a path on this host, that every browser reads as we do. Anything else
// (javascript:, data:, //host, a backslash, white space) is not.
bool is_web_address(std::string_view text);

// Markup that stands in this program as a literal. Nothing computed can become one, so nothing a
// client sent can be written as markup.
class Markup {
 public:
  template <std::size_t size>
  // NOLINTNEXTLINE(google-explicit-*,modernize-avoid-c-arrays): takes literals as they are
  consteval Markup(const char (&literal)[size]) : text_(literal, size - 1) {}

  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// Writes HTML that is escaped by construction:
//
//   HtmlWriter html(page);
//   html.markup("<a").url("href", target).markup(">").text(label).markup("</a>");
//
// Values have no place inside <script> and <style>, in event attributes or in unquoted attributes;
// there is no function for them.
class HtmlWriter {
 public:
  // `out` must outlive the writer.
  explicit HtmlWriter(std::string& out) : out_(out) {}

  HtmlWriter& markup(Markup literal);

  // Text between tags. Bytes that are not UTF-8, and control characters, become U+FFFD.
  HtmlWriter& text(std::string_view value);

  // ` name="value"`, for attributes that hold plain text.
  HtmlWriter& attribute(Markup name, std::string_view value);

  // ` name="value"`, for attributes that hold a URL. What is no web address is written as "#".
  HtmlWriter& url(Markup name, std::string_view value);

 private:
  std::string& out_;
};

}  // namespace vallum::pages
