#include "ext_authz/forwarding_fields.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"

namespace vallum::ext_authz {

namespace {

constexpr std::string_view kForwardedMethod = "X-Forwarded-Method";
constexpr std::string_view kForwardedProto = "X-Forwarded-Proto";
constexpr std::string_view kForwardedHost = "X-Forwarded-Host";
constexpr std::string_view kForwardedUri = "X-Forwarded-Uri";
constexpr std::string_view kForwardedFor = "X-Forwarded-For";
constexpr std::string_view kOriginalMethod = "X-Original-Method";
constexpr std::string_view kOriginalUrl = "X-Original-URL";

// What proxies add about the question itself: no part of the client's request.
bool is_about_question(std::string_view name) {
  static constexpr auto kNames = std::to_array<std::string_view>({kForwardedMethod,
                                                                  kForwardedProto,
                                                                  kForwardedHost,
                                                                  kForwardedUri,
                                                                  kForwardedFor,
                                                                  kOriginalMethod,
                                                                  kOriginalUrl,
                                                                  "X-Forwarded-Port",
                                                                  "X-Forwarded-Server",
                                                                  "X-Real-IP",
                                                                  "Host",
                                                                  "Connection"});
  return std::ranges::any_of(kNames,
                             [name](std::string_view known) { return iequals(known, name); });
}

std::optional<std::string_view> find(const http::RequestHead& head, std::string_view name) {
  const http::Field* field = head.fields.find(name);
  return field == nullptr ? std::nullopt : std::optional(field->value);
}

// The value of a header that must be there once.
Result<std::string_view> only(const http::RequestHead& head, std::string_view name) {
  const auto count = std::ranges::count_if(
      head.fields, [name](const http::Field& field) { return iequals(field.name, name); });
  if (count != 1) {
    return fail(ErrorKind::InvalidInput,
                std::string(name) + (count == 0 ? " is missing" : " stands there more than once") +
                    ": set it in the proxy that asks, so that no client's own is taken for it");
  }
  return *find(head, name);
}

Result<http::Scheme> scheme_of(std::string_view text) {
  if (text == "https") {
    return http::Scheme::Https;
  }
  if (text == "http") {
    return http::Scheme::Http;
  }
  return fail(ErrorKind::InvalidInput, "the scheme is neither https nor http");
}

Result<ForwardedQuestion> read_family_forwarded(const http::RequestHead& head) {
  ForwardedQuestion made{.family = Family::Forwarded, .question = {}};
  TRY(made.question.method, only(head, kForwardedMethod));
  TRY(const std::string_view proto, only(head, kForwardedProto));
  TRY(made.question.scheme, scheme_of(proto));
  TRY(made.question.host, only(head, kForwardedHost));
  TRY(made.question.target, only(head, kForwardedUri));
  return made;
}

Result<ForwardedQuestion> read_family_original(const http::RequestHead& head) {
  ForwardedQuestion made{.family = Family::Original, .question = {}};
  TRY(made.question.method, only(head, kOriginalMethod));
  TRY(const std::string_view url, only(head, kOriginalUrl));
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) {
    return fail(ErrorKind::InvalidInput, "X-Original-URL: is not scheme://host/path");
  }
  TRY(made.question.scheme, scheme_of(url.substr(0, scheme)));
  const std::string_view rest = url.substr(scheme + 3);
  const std::size_t path = rest.find('/');
  if (path == std::string_view::npos) {
    return fail(ErrorKind::InvalidInput, "X-Original-URL: is not scheme://host/path");
  }
  made.question.host = rest.substr(0, path);
  made.question.target = rest.substr(path);
  const std::optional<std::string_view> host = find(head, kForwardedHost);
  const std::optional<std::string_view> proto = find(head, kForwardedProto);
  if ((host && !iequals(*host, made.question.host)) || (proto && *proto != url.substr(0, scheme))) {
    return fail(ErrorKind::InvalidInput,
                "X-Original-URL and X-Forwarded-Host or -Proto contradict each other");
  }
  return made;
}

// What the proxy appended; what stands before it came from the client.
std::optional<IpAddress> client_of(const http::RequestHead& head) {
  std::string_view last;
  for (const http::Field& field : head.fields) {
    if (iequals(field.name, kForwardedFor)) {
      last = field.value;
    }
  }
  return IpAddress::parse(trim_ows(last.substr(last.rfind(',') + 1)));
}

}  // namespace

Result<ForwardedQuestion> read_forwarded(const http::RequestHead& head) {
  const bool forwarded = find(head, kForwardedMethod) || find(head, kForwardedUri);
  const bool original = find(head, kOriginalMethod) || find(head, kOriginalUrl);
  if (forwarded && original) {
    return fail(ErrorKind::InvalidInput,
                "X-Forwarded-Method or -Uri and X-Original-Method or -URL stand side by side: set "
                "one pair in the proxy that asks and remove the other");
  }
  TRY(ForwardedQuestion made, original ? read_family_original(head) : read_family_forwarded(head));
  made.question.client_ip = client_of(head);
  for (const http::Field& field : head.fields) {
    if (!is_about_question(field.name)) {
      made.question.fields.push_back({.name = field.name, .value = field.value});
    }
  }
  return made;
}

}  // namespace vallum::ext_authz
