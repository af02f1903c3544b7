#include "pages/document.h"

#include <utility>

#include "pages/style.h"

namespace vallum::pages {

Document::Document(std::string_view title, const Frame& frame) : frame_(frame) {
  html_.markup("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
      .markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
      .markup("<meta name=\"robots\" content=\"noindex\"><title>")
      .text(title)
      .markup("</title><style")
      .attribute("nonce", frame.nonce)
      .markup(">")
      .markup(kStyle)
      .markup("</style></head>\n<body><main><h1>")
      .text(title)
      .markup("</h1>\n");
}

void Document::paragraph(std::string_view text) {
  if (!text.empty()) {
    html_.markup("<p>").text(text).markup("</p>\n");
  }
}

void Document::heading(std::string_view text) {
  html_.markup("<h2>").text(text).markup("</h2>\n");
}

void Document::link(std::string_view target, std::string_view label) {
  html_.markup("<p><a").url("href", target).markup(">").text(label).markup("</a></p>\n");
}

void Document::button(std::string_view action, std::string_view label) {
  html_.markup("<form method=\"post\"")
      .url("action", action)
      .markup("><button>")
      .text(label)
      .markup("</button></form>\n");
}

void Document::begin_rows() {
  html_.markup("<dl>\n");
}

void Document::row(std::string_view name, std::string_view value) {
  if (!value.empty()) {
    html_.markup("<dt>").text(name).markup("</dt><dd>").text(value).markup("</dd>\n");
  }
}

void Document::end_rows() {
  html_.markup("</dl>\n");
}

std::string Document::finish() {
  html_.markup("<footer>Vallum");
  if (!frame_.request_id.empty()) {
    html_.markup(" &middot; request <code id=\"request-id\">")
        .text(frame_.request_id)
        .markup("</code>");
  }
  html_.markup("</footer></main></body></html>\n");
  return std::move(out_);
}

}  // namespace vallum::pages
