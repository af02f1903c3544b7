// Request heads: how the bytes were cut never matters, and what was accepted is accepted again with
// the same meaning when it is written out.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/syntax/h1.h"
#include "http/syntax/hop_by_hop.h"
#include "http/syntax/normalize.h"

namespace vallum::http {
namespace {

// Small, so that the fuzzer reaches them.
constexpr HeadLimits kLimits{
    .request_line_bytes_max = 200, .head_bytes_max = 800, .fields_max = 12};

void check_same(const HeadStep& a, const HeadStep& b) {
  CHECK(a.outcome == b.outcome);
  CHECK(!a.failed() || a.error == b.error);
  CHECK(!a.done() || a.consumed == b.consumed);
}

void check_same(const RequestHead& a, const RequestHead& b) {
  CHECK(a.method == b.method && a.form == b.form && a.method_text == b.method_text);
  CHECK(a.target == b.target && a.path_and_query == b.path_and_query);
  CHECK(a.authority == b.authority && a.framing == b.framing && a.upgrade == b.upgrade);
  CHECK(a.keep_alive == b.keep_alive && a.expects_continue == b.expects_continue);
  CHECK(a.fields.size() == b.fields.size());
  for (std::size_t at = 0; at < a.fields.size(); ++at) {
    CHECK(a.fields[at].name == b.fields[at].name && a.fields[at].value == b.fields[at].value);
  }
}

std::string write(const RequestHead& head) {
  std::string text;
  text.append(head.method_text).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  for (const Field& field : head.fields) {
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return text.append("\r\n");
}

void check_cut(std::string_view input, std::size_t cut, const HeadStep& whole) {
  RequestHead head;
  HeadReader reader(kLimits);
  HeadStep step;
  {
    const std::string first(input.substr(0, cut));
    step = reader.read_request(first, head);
  }
  if (step.outcome == HeadStep::Outcome::NeedMore) {
    step = reader.read_request(input, head);
  }
  check_same(step, whole);
}

void check_byte_by_byte(std::string_view input,
                        const HeadStep& whole,
                        const RequestHead& expected) {
  RequestHead head;
  HeadReader reader(kLimits);
  HeadStep step;
  for (std::size_t size = 0; size <= input.size(); ++size) {
    step = reader.read_request(input.substr(0, size), head);
    if (step.outcome != HeadStep::Outcome::NeedMore) {
      break;
    }
  }
  check_same(step, whole);
  if (whole.done()) {
    check_same(head, expected);
  }
}

}  // namespace
}  // namespace vallum::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::http;
  const std::string input(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const HeadStep step = parse_request_head(input, kLimits, head);
  check_byte_by_byte(input, step, head);
  check_cut(input, size / 2, step);
  check_cut(input, size == 0 ? 0 : data[size - 1] % size, step);
  if (!step.done()) {
    return 0;
  }
  CHECK(step.consumed <= size && step.consumed <= kLimits.head_bytes_max);
  CHECK(head.fields.size() <= kLimits.fields_max);
  CHECK(!head.authority.empty());
  static_cast<void>(ConnectionOptions::of(head.fields));
  std::string scratch;
  static_cast<void>(normalize_target(head.path_and_query, {}, scratch));

  const std::string written = write(head);
  RequestHead again;
  CHECK(parse_request_head(written, HeadLimits{}, again).done());
  check_same(head, again);
  return 0;
}
