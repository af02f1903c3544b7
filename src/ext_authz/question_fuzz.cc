#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "ext_authz/forwarding_fields.h"
#include "ext_authz/question.h"
#include "http/syntax/h1.h"

namespace vallum::ext_authz {
namespace {

// Nothing a question says reaches beyond its own line: what the parser reads is what was asked.
void check_question(const Question& question) {
  const Result<std::string> head = head_of(question);
  if (!head) {
    return;
  }
  http::RequestHead parsed;
  const http::HeadStep step = http::parse_request_head(*head, http::HeadLimits{}, parsed);
  CHECK(step.done() || step.failed());
  if (step.failed()) {
    return;
  }
  CHECK(step.consumed == head->size());
  CHECK(parsed.method_text == question.method);
  CHECK(parsed.target == question.target);
  CHECK(parsed.fields.size() <= question.fields.size() + 1);
  CHECK(parsed.framing.kind == http::BodyFraming::Kind::None);
}

// Method, host and target in a line each, then a name and a value in turn.
void ask_by_lines(std::string_view input) {
  const std::vector<std::string_view> lines = split(input, '\0');
  Question question;
  question.method = lines[0];
  question.host = lines.size() > 1 ? lines[1] : std::string_view();
  question.target = lines.size() > 2 ? lines[2] : std::string_view();
  for (std::size_t i = 3; i + 1 < lines.size(); i += 2) {
    question.fields.push_back({.name = lines[i], .value = lines[i + 1]});
  }
  check_question(question);
}

// As a proxy asks over HTTP.
void ask_by_head(std::string_view input) {
  http::RequestHead head;
  const http::HeadStep step = http::parse_request_head(input, http::HeadLimits{}, head);
  if (!step.done()) {
    return;
  }
  const auto asked = read_forwarded(head);
  if (asked) {
    check_question(asked->question);
  }
}

}  // namespace
}  // namespace vallum::ext_authz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), count);
  vallum::ext_authz::ask_by_lines(input);
  vallum::ext_authz::ask_by_head(input);
  return 0;
}
