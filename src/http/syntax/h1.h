#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/syntax/h1_error.h"
#include "http/syntax/head.h"

namespace vallum::http {

// What became of the bytes so far.
struct HeadStep {
  enum class Outcome : std::uint8_t {
    NeedMore,  // call again with these bytes and more behind them
    Done,      // the head is filled; `consumed` bytes belong to it
    Failed,    // `error`: answer, close
  };

  Outcome outcome = Outcome::NeedMore;
  H1Error error = H1Error::RequestLineMalformed;
  std::size_t consumed = 0;

  bool done() const { return outcome == Outcome::Done; }
  bool failed() const { return outcome == Outcome::Failed; }
};

// Reads one head out of a buffer that grows. Each byte is looked at once however slowly they come,
// and how they were cut makes no difference to the result.
//
//   while (!(step = reader.read(buffer, head)).done()) { fail, or append to the buffer }
//   buffer.remove_prefix(step.consumed); reader.reset();
//
// The buffer may move between calls, as long as it begins with the bytes of the call before.
class HeadReader {
 public:
  explicit HeadReader(const HeadLimits& limits) : limits_(limits) {}

  // RFC 9112, and stricter where parsers are known to differ: HTTP/1.1 only, CRLF only, one Host,
  // one Content-Length of digits, Transfer-Encoding exactly "chunked", never both, no folding. One
  // empty line before the request line is skipped (RFC 9112 2.2).
  HeadStep read_request(std::string_view input, RequestHead& into);

  // `request` is what is being answered: it decides whether a body follows. HTTP/1.0 is accepted.
  // Nothing is skipped or repaired.
  HeadStep read_response(std::string_view input, Method request, ResponseHead& into);

  // Bytes of an unfinished head have been seen.
  bool begun() const { return line_at_ != 0 || searched_ != 0; }
  // For the next head.
  void reset();

 private:
  enum class Stage : std::uint8_t { Start, StartAfterEmptyLine, Fields };
  struct Line {
    HeadStep::Outcome outcome = HeadStep::Outcome::NeedMore;
    H1Error error = H1Error::LineEndMalformed;
    std::string_view text;
  };

  Line next_line(std::string_view input);
  std::optional<H1Error> add_field(std::string_view line, Fields& fields, UnderscoreNames names);
  HeadStep request_lines(std::string_view input, RequestHead& into);
  HeadStep response_lines(std::string_view input, Method request, ResponseHead& into);
  void note_base(std::string_view input);

  HeadLimits limits_;
  const char* base_ = nullptr;  // where the buffer was when the first view into it was made
  std::size_t line_at_ = 0;     // start of the first line that is not complete
  std::size_t searched_ = 0;    // up to here that line has no end
  std::size_t field_lines_ = 0;
  Stage stage_ = Stage::Start;
  bool stale_ = false;  // the buffer moved since: the views are wrong, so all is read once more
};

// A whole head at once, for callers that have one.
HeadStep parse_request_head(std::string_view input, const HeadLimits& limits, RequestHead& into);
HeadStep parse_response_head(std::string_view input,
                             Method request,
                             const HeadLimits& limits,
                             ResponseHead& into);

}  // namespace vallum::http
