#include "http/syntax/body.h"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

struct Read {
  std::string data;
  std::size_t consumed = 0;
  std::optional<H1Error> error;
  bool finished = false;
};

// Feeds `input` in pieces of at most `piece` bytes.
Read read_body(const BodyFraming& framing,
               std::string_view input,
               std::size_t piece = 1000000,
               const BodyLimits& limits = {}) {
  BodyDecoder decoder(framing, limits);
  Read read;
  while (!decoder.finished() && read.consumed < input.size()) {
    const auto step = decoder.feed(input.substr(read.consumed, piece));
    if (!step) {
      read.error = step.error();
      return read;
    }
    read.data += step->data;
    read.consumed += step->consumed;
  }
  read.finished = decoder.finished();
  EXPECT_EQ(decoder.data_bytes(), read.data.size());
  return read;
}

TEST(BodyDecoderTest, HasNothingToReadWithoutABody) {
  BodyDecoder decoder(BodyFraming::none());

  EXPECT_TRUE(decoder.finished());
  EXPECT_EQ(decoder.feed("GET")->consumed, 0U);
  EXPECT_EQ(decoder.close(), std::nullopt);
  EXPECT_TRUE(BodyDecoder(BodyFraming::of_length(0)).finished());
}

TEST(BodyDecoderTest, StopsAtTheAnnouncedLength) {
  for (const std::size_t piece : {1U, 2U, 100U}) {
    const Read read = read_body(BodyFraming::of_length(5), "helloGET /", piece);

    EXPECT_EQ(read.data, "hello");
    EXPECT_EQ(read.consumed, 5U);
    EXPECT_TRUE(read.finished);
  }
}

TEST(BodyDecoderTest, KnowsWhatIsLeft) {
  BodyDecoder decoder(BodyFraming::of_length(5));

  EXPECT_EQ(decoder.length_left(), 5U);
  EXPECT_TRUE(decoder.feed("he").has_value());
  EXPECT_EQ(decoder.length_left(), 3U);
  EXPECT_EQ(decoder.close(), H1Error::BodyIncomplete);
}

TEST(BodyDecoderTest, ReadsUntilTheConnectionCloses) {
  BodyDecoder decoder(BodyFraming::until_close());

  EXPECT_EQ(decoder.feed("abc")->data, "abc");
  EXPECT_FALSE(decoder.finished());
  EXPECT_EQ(decoder.close(), std::nullopt);
  EXPECT_TRUE(decoder.finished());
}

// Covers SMU-12.
TEST(BodyDecoderTest, JoinsChunksAndDropsExtensionsAndTrailers) {
  constexpr std::string_view kBody =
      "5;a=b\r\nhello\r\n"
      "00001\r\n,\r\n"
      "A;x;y=\"q\"\r\n0123456789\r\n"
      "0;last\r\nX-Pomerium-Claim-Email: evil@t\r\nB:\r\n\r\n";
  const std::string input = std::string(kBody) + "GET / HTTP/1.1\r\n";
  for (std::size_t piece = 1; piece <= kBody.size() + 4; ++piece) {
    const Read read = read_body(BodyFraming::chunked(), input, piece);

    EXPECT_EQ(read.data, "hello,0123456789") << piece;
    EXPECT_EQ(read.consumed, kBody.size()) << piece;
    EXPECT_TRUE(read.finished) << piece;
  }
}

TEST(BodyDecoderTest, CountsAChunkThatWasCutAsIncomplete) {
  constexpr std::string_view kBody = "5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut < kBody.size(); ++cut) {
    BodyDecoder decoder(BodyFraming::chunked());
    std::string_view input = kBody.substr(0, cut);
    while (!input.empty()) {
      const auto step = decoder.feed(input);
      ASSERT_TRUE(step.has_value());
      input.remove_prefix(step->consumed);
    }

    EXPECT_EQ(decoder.close(), H1Error::BodyIncomplete) << cut;
  }
}

// Covers SMU-03.
TEST(BodyDecoderTest, RefusesChunksThatTwoParsersCouldReadDifferently) {
  for (const std::string_view body : {
           "\r\n",
           "5\nhello\r\n0\r\n\r\n",
           "5\r\nhello\n0\r\n\r\n",
           "5\r\nhello0\r\n\r\n",
           "5\r\nhelloX\r\n0\r\n\r\n",
           "5\r\nhello\r0\r\n\r\n",
           "5 \r\nhello\r\n",
           " 5\r\nhello\r\n",
           "5 ;a\r\nhello\r\n",
           "+5\r\nhello\r\n",
           "-5\r\nhello\r\n",
           "0x5\r\nhello\r\n",
           "g\r\n",
           ";a\r\n",
           "5;a\rb\r\nhello\r\n",
           "5;a\nb\r\nhello\r\n",
           "5;\x01\r\nhello\r\n",
           "5;\x7f\r\nhello\r\n",
           "5\r\r\nhello\r\n",
       }) {
    EXPECT_EQ(read_body(BodyFraming::chunked(), body).error, H1Error::ChunkMalformed) << body;
    EXPECT_EQ(read_body(BodyFraming::chunked(), body, 1).error, H1Error::ChunkMalformed) << body;
  }
}

// Covers SMU-03.
TEST(BodyDecoderTest, RefusesSizesThatOverflow) {
  for (const std::string_view body : {"8000000000000000\r\n",
                                      "10000000000000000\r\n",
                                      "ffffffffffffffff\r\n",
                                      "FFFFFFFFFFFFFFFFFFFFF\r\n",
                                      "00000000000000005\r\n"}) {
    EXPECT_EQ(read_body(BodyFraming::chunked(), body).error, H1Error::ChunkTooLarge) << body;
  }
  EXPECT_EQ(read_body(BodyFraming::chunked(), "7fffffffffffffff\r\nx").error, std::nullopt);
}

TEST(BodyDecoderTest, RefusesMalformedTrailers) {
  for (const std::string_view body : {"0\r\nA\r\n\r\n",
                                      "0\r\nA b: c\r\n\r\n",
                                      "0\r\n: c\r\n\r\n",
                                      "0\r\n a: b\r\n\r\n",
                                      "0\r\na: b\n\r\n",
                                      "0\r\na: b\r\n\n",
                                      "0\r\n\n",
                                      "0\r\na: \x01\r\n\r\n",
                                      "0\r\n\rX"}) {
    EXPECT_EQ(read_body(BodyFraming::chunked(), body).error, H1Error::TrailerMalformed) << body;
  }
}

TEST(BodyDecoderTest, BoundsExtensionsAndTrailers) {
  constexpr BodyLimits kLimits{.extension_bytes_per_chunk_max = 8,
                               .extension_bytes_max = 12,
                               .trailer_bytes_max = 20,
                               .trailer_fields_max = 2};
  const auto error = [&](std::string_view body) {
    return read_body(BodyFraming::chunked(), body, 1000, kLimits).error;
  };

  EXPECT_EQ(error("1;12345678\r\na\r\n"), std::nullopt);
  EXPECT_EQ(error("1;123456789\r\na\r\n"), H1Error::ChunkTooLarge);
  EXPECT_EQ(error("1;123456\r\na\r\n1;123456\r\na\r\n"), std::nullopt);
  EXPECT_EQ(error("1;123456\r\na\r\n1;1234567\r\na\r\n"), H1Error::ChunkTooLarge);
  EXPECT_EQ(error("0\r\na: 123456789abcd\r\n\r\n"), std::nullopt);
  EXPECT_EQ(error("0\r\na: 123456789abcdefg\r\n\r\n"), H1Error::TrailerTooLarge);
  EXPECT_EQ(error("0\r\na:\r\nb:\r\n\r\n"), std::nullopt);
  EXPECT_EQ(error("0\r\na:\r\nb:\r\nc:\r\n\r\n"), H1Error::TrailerTooLarge);
}

TEST(ChunkHeaderTest, IsWhatTheDecoderReads) {
  std::array<char, kChunkHeaderBytesMax> buffer{};
  const auto header = [&buffer](std::uint64_t bytes) {
    return std::string(buffer.data(), write_chunk_header(bytes, buffer));
  };

  EXPECT_EQ(header(1), "1\r\n");
  EXPECT_EQ(header(15), "f\r\n");
  EXPECT_EQ(header(16), "10\r\n");
  EXPECT_EQ(header(0xabcdef), "abcdef\r\n");
  EXPECT_EQ(header(UINT64_MAX), "ffffffffffffffff\r\n");
  const std::string body = header(3) + "abc" + std::string(kChunkEnd) + std::string(kLastChunk);
  EXPECT_EQ(read_body(BodyFraming::chunked(), body).data, "abc");
}

}  // namespace
}  // namespace vallum::http
