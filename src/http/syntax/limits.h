#pragma once

#include <cstddef>
#include <cstdint>

namespace vallum::http {

// What to do with a field name that contains '_': applications that read headers as environment
// variables take a_b for a-b.
enum class UnderscoreNames : std::uint8_t { Allow, Reject, Drop };

// Of one head; each limit is answered with 414 or 431.
struct HeadLimits {
  std::size_t request_line_bytes_max = std::size_t{32} * 1024;
  std::size_t head_bytes_max = std::size_t{128} * 1024;  // start line, fields and the empty line
  std::size_t fields_max = 1000;
  UnderscoreNames underscore_names = UnderscoreNames::Reject;  // of requests
};

// Of what surrounds the data of a chunked body; each limit ends the message with 400.
struct BodyLimits {
  std::size_t extension_bytes_per_chunk_max = 512;
  std::size_t extension_bytes_max = std::size_t{64} * 1024;  // of all chunks together
  std::size_t trailer_bytes_max = std::size_t{8} * 1024;
  std::size_t trailer_fields_max = 64;
};

}  // namespace vallum::http
