#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "http/syntax/h1_error.h"
#include "http/syntax/head.h"
#include "http/syntax/limits.h"

namespace vallum::http {

// Takes a body out of the bytes of a connection. Nothing is copied or kept: what feed() returns
// points into its argument.
//
//   while (!decoder.finished()) {
//     step = decoder.feed(input); fail, or pass on step->data; input.remove_prefix(step->consumed);
//     if (step->consumed == 0) read more, or decoder.close() at the end
//   }
class BodyDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // framing and data
    std::string_view data;     // may be empty
  };

  BodyDecoder() = default;  // no body: finished
  explicit BodyDecoder(const BodyFraming& framing, const BodyLimits& limits = {});

  // Chunk extensions are checked and dropped, and so are trailers: whoever reads them would have to
  // decide again whether they may name a header. Bytes after the body are never consumed.
  std::expected<Step, H1Error> feed(std::string_view input);

  // The peer closed: the end of a body that lasts until then, and the middle of every other one.
  std::optional<H1Error> close();

  bool finished() const { return state_ == State::Finished; }
  // Body bytes given out so far, framing not counted.
  std::uint64_t data_bytes() const { return data_bytes_; }
  // What is left of a body of known length; 0 for others.
  std::uint64_t length_left() const { return state_ == State::Length ? left_ : 0; }

 private:
  enum class State : std::uint8_t {
    Finished,
    Length,
    UntilClose,
    ChunkSize,
    ChunkExtension,
    ChunkSizeLf,
    ChunkData,
    ChunkDataCr,
    ChunkDataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    FinalLf,
  };

  std::string_view take_data(std::string_view input);
  std::optional<H1Error> step_framing(char c);
  std::optional<H1Error> step_chunk_size(char c);
  std::optional<H1Error> step_extension(char c);
  std::optional<H1Error> step_trailer(char c);

  BodyLimits limits_;
  State state_ = State::Finished;
  std::uint8_t size_digits_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::uint64_t data_bytes_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t extension_bytes_in_chunk_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
};

// Sixteen digits and CR LF.
inline constexpr std::size_t kChunkHeaderBytesMax = 18;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Writes the line in front of a chunk and returns its size; kChunkEnd follows the data. Requires at
// least one byte of data, because an empty chunk ends the body.
std::size_t write_chunk_header(std::uint64_t data_bytes, std::span<char, kChunkHeaderBytesMax> to);

}  // namespace vallum::http
