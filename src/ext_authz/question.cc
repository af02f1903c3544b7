#include "ext_authz/question.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "http/syntax/fields.h"

namespace vallum::ext_authz {

namespace {

bool is_target(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
}

// RFC 9112 3.2: Host as every parser reads it; what it names is checked later.
bool is_host(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

// The body is not here, and whether the client waits to send it is no part of the decision.
bool is_about_body(std::string_view name) {
  return iequals(name, "content-length") || iequals(name, "transfer-encoding") ||
         iequals(name, "expect") || iequals(name, "host");
}

}  // namespace

bool belongs_to_connection(std::string_view name) {
  static constexpr auto kNames = std::to_array<std::string_view>({"connection",
                                                                  "content-length",
                                                                  "expect",
                                                                  "host",
                                                                  "http2-settings",
                                                                  "keep-alive",
                                                                  "proxy-connection",
                                                                  "te",
                                                                  "trailer",
                                                                  "transfer-encoding",
                                                                  "upgrade",
                                                                  "x-forwarded-for",
                                                                  "x-forwarded-host",
                                                                  "x-forwarded-proto",
                                                                  "x-request-id"});
  return std::ranges::any_of(kNames,
                             [name](std::string_view known) { return iequals(known, name); });
}

Result<std::string> head_of(const Question& question) {
  if (!http::is_token(question.method)) {
    return fail(ErrorKind::InvalidInput, "the question names no method");
  }
  if (!is_target(question.target)) {
    return fail(ErrorKind::InvalidInput, "the question names no path that begins with /");
  }
  if (!is_host(question.host)) {
    return fail(ErrorKind::InvalidInput, "the question names no host");
  }
  std::string head;
  append_all(head, {question.method, " ", question.target, " HTTP/1.1\r\nHost: "});
  append_all(head, {question.host, "\r\n"});
  for (const Question::Field& field : question.fields) {
    if (!http::is_token(field.name) || !http::is_field_value(field.value)) {
      return fail(ErrorKind::InvalidInput, "the question has a header that HTTP does not allow");
    }
    if (!is_about_body(field.name)) {
      append_all(head, {field.name, ": ", field.value, "\r\n"});
    }
  }
  head.append("\r\n");
  return head;
}

}  // namespace vallum::ext_authz
