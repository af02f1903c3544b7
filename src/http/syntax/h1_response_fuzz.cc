// Response heads: the same properties as for requests.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/syntax/h1.h"

namespace vallum::http {
namespace {

constexpr HeadLimits kLimits{
    .request_line_bytes_max = 200, .head_bytes_max = 800, .fields_max = 12};

void check_same(const ResponseHead& a, const ResponseHead& b) {
  CHECK(a.status == b.status && a.version_minor == b.version_minor && a.reason == b.reason);
  CHECK(a.framing == b.framing && a.keep_alive == b.keep_alive && a.upgrade == b.upgrade);
  CHECK(a.fields.size() == b.fields.size());
  for (std::size_t at = 0; at < a.fields.size(); ++at) {
    CHECK(a.fields[at].name == b.fields[at].name && a.fields[at].value == b.fields[at].value);
  }
}

std::string write(const ResponseHead& head) {
  std::string text = "HTTP/1." + std::to_string(head.version_minor);
  text.append(" ").append(std::to_string(head.status)).append(" ").append(head.reason);
  text.append("\r\n");
  for (const Field& field : head.fields) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return text.append("\r\n");
}

}  // namespace
}  // namespace vallum::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::http;
  if (size == 0) {
    return 0;
  }
  const Method request = data[0] % 3 == 0   ? Method::Get
                         : data[0] % 3 == 1 ? Method::Head
                                            : Method::Connect;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseHead head;
  const HeadStep whole = parse_response_head(input, request, kLimits, head);
  ResponseHead slow;
  HeadReader reader(kLimits);
  HeadStep step;
  for (std::size_t seen = 0; seen <= input.size(); ++seen) {
    const std::string moved = input.substr(0, seen);
    step = reader.read_response(moved, request, slow);
    if (step.outcome != HeadStep::Outcome::NeedMore) {
      CHECK(step.outcome == whole.outcome);
      CHECK(!step.failed() || step.error == whole.error);
      CHECK(!step.done() || step.consumed == whole.consumed);
      if (step.done()) {
        check_same(head, slow);
      }
      break;
    }
  }
  CHECK(step.outcome == whole.outcome);
  if (!whole.done()) {
    return 0;
  }
  // Nothing but the head itself may say that more bytes belong to this message.
  CHECK(request != Method::Head || head.framing == BodyFraming::none());
  const std::string written = write(head);
  ResponseHead again;
  CHECK(parse_response_head(written, request, HeadLimits{}, again).done());
  check_same(head, again);
  return 0;
}
