// Bodies: the same data whatever the pieces, and what is written as chunks is read back.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/syntax/body.h"

namespace vallum::http {
namespace {

constexpr BodyLimits kLimits{.extension_bytes_per_chunk_max = 16,
                             .extension_bytes_max = 40,
                             .trailer_bytes_max = 60,
                             .trailer_fields_max = 4};

struct Read {
  std::string data;
  std::size_t consumed = 0;
  std::optional<H1Error> error;
  std::optional<H1Error> at_close;

  bool operator==(const Read&) const = default;
};

Read read_body(const BodyFraming& framing, std::string_view input, std::size_t piece) {
  BodyDecoder decoder(framing, kLimits);
  Read read;
  while (read.consumed < input.size() && !decoder.finished()) {
    const auto step = decoder.feed(input.substr(read.consumed, piece));
    if (!step) {
      read.error = step.error();
      return read;
    }
    CHECK(step->consumed > 0 && step->consumed <= piece);
    CHECK(step->data.size() <= step->consumed);
    read.data += step->data;
    read.consumed += step->consumed;
  }
  CHECK(decoder.data_bytes() == read.data.size());
  read.at_close = decoder.close();
  return read;
}

}  // namespace
}  // namespace vallum::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::http;
  if (size < 2) {
    return 0;
  }
  const std::array framings{BodyFraming::chunked(),
                            BodyFraming::of_length(data[1]),
                            BodyFraming::until_close(),
                            BodyFraming::none()};
  const BodyFraming framing = framings.at(data[0] % framings.size());
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Read whole = read_body(framing, input, std::max<std::size_t>(input.size(), 1));
  // A refused body is refused at the same byte; how much was handed over before does not differ
  // either, because data is given out before the framing behind it is read.
  const Read slow = read_body(framing, input, 1);
  CHECK(slow.data == whole.data && slow.error == whole.error && slow.at_close == whole.at_close);
  CHECK(read_body(framing, input, 7).data == whole.data);

  if (!whole.data.empty()) {
    std::array<char, kChunkHeaderBytesMax> header{};
    std::string chunked(header.data(), write_chunk_header(whole.data.size(), header));
    chunked.append(whole.data).append(kChunkEnd).append(kLastChunk);
    const Read again = read_body(BodyFraming::chunked(), chunked, chunked.size());
    CHECK(again.data == whole.data && !again.error && !again.at_close);
    CHECK(again.consumed == chunked.size());
  }
  return 0;
}
