#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "codec/node.h"
#include "codec/read_limits.h"

namespace vallum::codec {

// Follows a reader through a text and knows the line and column it is at.
class TextCursor {
 public:
  // Requires UTF-8 that outlives the cursor.
  explicit TextCursor(std::string_view text) : text_(text) {}

  std::size_t offset() const { return offset_; }
  Position position() const { return position_; }

  // Requires an offset inside the text, not before the present one.
  void advance_to(std::size_t offset) {
    for (; offset_ < offset; ++offset_) {
      const char c = text_[offset_];
      if (c == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
        ++position_.column;
      }
    }
  }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  Position position_{.line = 1, .column = 1};
};

// Checks what every text must be before it is read: not too long, UTF-8.
std::optional<ReadError> check_text(std::string_view text, const ReadLimits& limits);

}  // namespace vallum::codec
