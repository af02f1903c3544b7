#include "codec/text_cursor.h"

#include "base/strings.h"

namespace vallum::codec {

std::optional<ReadError> check_text(std::string_view text, const ReadLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return ReadError{.position = {.line = 1, .column = 1},
                     .text = "longer than " + std::to_string(limits.bytes_max) + " bytes"};
  }
  if (is_utf8(text)) {
    return std::nullopt;
  }
  // Halving finds the longest valid front: a cut inside a character moves back to its start.
  std::size_t good = 0;
  for (std::size_t step = text.size() / 2 + 1; step > 0; step /= 2) {
    while (good + step <= text.size() && is_utf8(text.substr(good, step))) {
      good += step;
    }
  }
  TextCursor cursor(text);
  cursor.advance_to(good);
  return ReadError{.position = cursor.position(), .text = "invalid UTF-8"};
}

}  // namespace vallum::codec
