#include "http/syntax/body.h"

#include <algorithm>

#include "base/check.h"
#include "http/syntax/bytes_table.h"

namespace vallum::http {
namespace {

constexpr std::uint8_t kSizeDigitsMax = 16;

bool is_value_byte(char c) {
  return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
}

}  // namespace

BodyDecoder::BodyDecoder(const BodyFraming& framing, const BodyLimits& limits) : limits_(limits) {
  switch (framing.kind) {
    case BodyFraming::Kind::None:
      state_ = State::Finished;
      break;
    case BodyFraming::Kind::Length:
      state_ = framing.length == 0 ? State::Finished : State::Length;
      left_ = framing.length;
      break;
    case BodyFraming::Kind::Chunked:
      state_ = State::ChunkSize;
      break;
    case BodyFraming::Kind::UntilClose:
      state_ = State::UntilClose;
      break;
  }
}

std::string_view BodyDecoder::take_data(std::string_view input) {
  const std::string_view data =
      state_ == State::UntilClose ? input : input.substr(0, std::min(left_, input.size()));
  data_bytes_ += data.size();
  if (state_ == State::UntilClose) {
    return data;
  }
  left_ -= data.size();
  if (left_ == 0) {
    state_ = state_ == State::Length ? State::Finished : State::ChunkDataCr;
  }
  return data;
}

std::expected<BodyDecoder::Step, H1Error> BodyDecoder::feed(std::string_view input) {
  Step step;
  while (step.consumed < input.size() && state_ != State::Finished) {
    if (state_ == State::Length || state_ == State::ChunkData || state_ == State::UntilClose) {
      step.data = take_data(input.substr(step.consumed));
      step.consumed += step.data.size();
      return step;
    }
    if (const auto error = step_framing(input[step.consumed])) {
      return std::unexpected(*error);
    }
    ++step.consumed;
  }
  return step;
}

// RFC 9112 7.1.
std::optional<H1Error> BodyDecoder::step_framing(char c) {
  const auto expect = [&](char wanted, State next) -> std::optional<H1Error> {
    if (c != wanted) {
      return H1Error::ChunkMalformed;
    }
    state_ = next;
    return std::nullopt;
  };
  switch (state_) {
    case State::ChunkSize:
      return step_chunk_size(c);
    case State::ChunkExtension:
      return step_extension(c);
    case State::ChunkSizeLf:
      size_digits_ = 0;
      extension_bytes_in_chunk_ = 0;
      return expect('\n', left_ == 0 ? State::TrailerStart : State::ChunkData);
    case State::ChunkDataCr:
      return expect('\r', State::ChunkDataLf);
    case State::ChunkDataLf:
      return expect('\n', State::ChunkSize);
    case State::TrailerStart:
    case State::TrailerName:
    case State::TrailerValue:
    case State::TrailerLf:
    case State::FinalLf:
      return step_trailer(c);
    case State::Finished:
    case State::Length:
    case State::UntilClose:
    case State::ChunkData:
      break;
  }
  return H1Error::ChunkMalformed;
}

std::optional<H1Error> BodyDecoder::step_chunk_size(char c) {
  const int digit = bytes::hex_value(c);
  if (digit >= 0) {
    if (size_digits_ == kSizeDigitsMax || left_ > (INT64_MAX >> 4U)) {
      return H1Error::ChunkTooLarge;
    }
    ++size_digits_;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return std::nullopt;
  }
  if (size_digits_ == 0) {
    return H1Error::ChunkMalformed;
  }
  if (c == '\r') {
    state_ = State::ChunkSizeLf;
    return std::nullopt;
  }
  // White space before ';' is "bad" in RFC 9112 7.1.1: parsers differ on it.
  if (c == ';') {
    state_ = State::ChunkExtension;
    return std::nullopt;
  }
  return H1Error::ChunkMalformed;
}

std::optional<H1Error> BodyDecoder::step_extension(char c) {
  if (c == '\r') {
    state_ = State::ChunkSizeLf;
    return std::nullopt;
  }
  if (!is_value_byte(c)) {
    return H1Error::ChunkMalformed;
  }
  if (++extension_bytes_in_chunk_ > limits_.extension_bytes_per_chunk_max ||
      ++extension_bytes_ > limits_.extension_bytes_max) {
    return H1Error::ChunkTooLarge;
  }
  return std::nullopt;
}

std::optional<H1Error> BodyDecoder::step_trailer(char c) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max) {
    return H1Error::TrailerTooLarge;
  }
  switch (state_) {
    case State::TrailerStart:
      if (c == '\r') {
        state_ = State::FinalLf;
        return std::nullopt;
      }
      if (++trailer_fields_ > limits_.trailer_fields_max) {
        return H1Error::TrailerTooLarge;
      }
      state_ = State::TrailerName;
      return bytes::is(c, bytes::kTokenByte) ? std::nullopt
                                             : std::optional(H1Error::TrailerMalformed);
    case State::TrailerName:
      if (c == ':') {
        state_ = State::TrailerValue;
        return std::nullopt;
      }
      return bytes::is(c, bytes::kTokenByte) ? std::nullopt
                                             : std::optional(H1Error::TrailerMalformed);
    case State::TrailerValue:
      if (c == '\r') {
        state_ = State::TrailerLf;
        return std::nullopt;
      }
      return is_value_byte(c) ? std::nullopt : std::optional(H1Error::TrailerMalformed);
    default:
      break;
  }
  if (c != '\n') {
    return H1Error::TrailerMalformed;
  }
  state_ = state_ == State::FinalLf ? State::Finished : State::TrailerStart;
  return std::nullopt;
}

std::optional<H1Error> BodyDecoder::close() {
  if (state_ == State::UntilClose) {
    state_ = State::Finished;
  }
  return finished() ? std::nullopt : std::optional(H1Error::BodyIncomplete);
}

std::size_t write_chunk_header(std::uint64_t data_bytes, std::span<char, kChunkHeaderBytesMax> to) {
  DCHECK(data_bytes > 0);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::size_t digits = 1;
  while (digits < 16 && (data_bytes >> (digits * 4)) != 0) {
    ++digits;
  }
  for (std::size_t at = 0; at < digits; ++at) {
    to[at] = kHex[(data_bytes >> ((digits - 1 - at) * 4)) & 15U];
  }
  to[digits] = '\r';
  to[digits + 1] = '\n';
  return digits + 2;
}

}  // namespace vallum::http
