#pragma once

#include <string>
#include <string_view>

#include "pages/html.h"

namespace vallum::pages {

// What every page carries.
struct Frame {
  std::string_view request_id = {};
  std::string_view nonce;  // of the one style element, as in Content-Security-Policy
};

// One page from its head to its foot:
//
//   Document page(title, frame); page.paragraph(text); return page.finish();
class Document {
 public:
  // `frame` must outlive the document.
  Document(std::string_view title, const Frame& frame);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // For what the functions below do not offer.
  HtmlWriter& html() { return html_; }

  // An empty text writes nothing, as does a row without a value.
  void paragraph(std::string_view text);
  void heading(std::string_view text);
  void link(std::string_view target, std::string_view label);
  // A form with nothing but a button.
  void button(std::string_view action, std::string_view label);
  // Names and values in two columns, between begin_rows() and end_rows().
  void begin_rows();
  void row(std::string_view name, std::string_view value);
  void end_rows();

  // The whole page. Call once.
  std::string finish();

 private:
  std::string out_;
  HtmlWriter html_{out_};
  const Frame& frame_;
};

}  // namespace vallum::pages
