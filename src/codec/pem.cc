#include "codec/pem.h"

#include <string>

namespace vallum::codec {

namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";

// Boundaries stand at the start of a line.
std::size_t find_line_start(std::string_view text, std::string_view what, std::size_t from) {
  for (std::size_t at = text.find(what, from); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::vector<PemBlock>> split_pem(std::string_view text) {
  std::vector<PemBlock> blocks;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = find_line_start(text, kBegin, at);
    if (begin == std::string_view::npos) {
      return blocks;
    }
    const std::size_t label_at = begin + kBegin.size();
    const std::size_t label_end = text.find(kDashes, label_at);
    const std::string_view label = label_end == std::string_view::npos
                                       ? std::string_view()
                                       : text.substr(label_at, label_end - label_at);
    if (label.empty() || label.find_first_of("\r\n") != std::string_view::npos) {
      return fail(ErrorKind::InvalidInput, "a PEM block has a malformed BEGIN line");
    }
    const std::string boundary = std::string("-----END ").append(label).append(kDashes);
    const std::size_t end = find_line_start(text, boundary, label_end + kDashes.size());
    // A second BEGIN first means that this block was cut off.
    const std::size_t next = find_line_start(text, kBegin, label_end + kDashes.size());
    if (end == std::string_view::npos || next < end) {
      return fail(ErrorKind::InvalidInput, "a PEM block has no matching END line");
    }
    at = end + boundary.size();
    blocks.push_back({.label = label, .text = text.substr(begin, at - begin)});
  }
}

}  // namespace vallum::codec
