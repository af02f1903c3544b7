#include "ext_authz/check_messages.h"

#include <array>

#include "base/strings.h"
#include "proto/ext_authz.pb.h"

namespace vallum::ext_authz {

namespace {

using Header = envoy::config::core::v3::HeaderValue;
using HeaderOption = envoy::config::core::v3::HeaderValueOption;

// The codes of gRPC that answers carry.
constexpr int kInvalidArgument = 3;
constexpr int kPermissionDenied = 7;
constexpr int kUnavailable = 14;
constexpr int kUnauthenticated = 16;

int code_of(std::uint16_t status) {
  switch (status) {
    case 400:
      return kInvalidArgument;
    case 302:
    case 401:
      return kUnauthenticated;
    default:
      return status >= 500 ? kUnavailable : kPermissionDenied;
  }
}

// A header of the question: one of the client's, or one that HTTP/2 makes of the request line and
// that must agree with what the question says of it.
Result<void> add_field(Question& question, std::string_view name, std::string_view value) {
  const std::array<std::pair<std::string_view, std::string_view>, 5> same{
      {{":method", question.method},
       {":path", question.target},
       {":authority", question.host},
       {":scheme", question.scheme == http::Scheme::Https ? "https" : "http"},
       {"host", question.host}}};
  for (const auto& [known, said] : same) {
    if (iequals(name, known)) {
      return value == said ? Result<void>()
                           : fail(ErrorKind::InvalidInput,
                                  "the header " + std::string(known) + " contradicts the question");
    }
  }
  question.fields.push_back({.name = name, .value = value});
  return {};
}

Result<void> add_fields(Question& question, const wire::AttributeContext::HttpRequest& http) {
  if (http.headers_size() > 0 && http.header_map().headers_size() > 0) {
    return fail(ErrorKind::InvalidInput,
                "the question has headers and header_map: configure the caller to send one");
  }
  for (const auto& [name, value] : http.headers()) {
    TRY_OK(add_field(question, name, value));
  }
  for (const Header& header : http.header_map().headers()) {
    if (!header.value().empty() && !header.raw_value().empty()) {
      return fail(ErrorKind::InvalidInput, "a header has a value and a raw_value");
    }
    TRY_OK(add_field(
        question, header.key(), header.raw_value().empty() ? header.value() : header.raw_value()));
  }
  return {};
}

void set_header(const http::Headers::Line& line, bool append, HeaderOption* into) {
  into->mutable_header()->set_key(line.name);
  // A string of the wire format is UTF-8; header values need not be.
  if (is_utf8(line.value)) {
    into->mutable_header()->set_value(line.value);
  } else {
    into->mutable_header()->set_raw_value(line.value);
  }
  if (append) {
    into->mutable_append()->set_value(true);
  }
}

// The first line of a name replaces what is there, the others are added to it.
template <class Add>
void set_headers(const http::Headers& headers, Add add) {
  std::string before;
  for (const http::Headers::Line& line : headers) {
    std::string name = to_lower(line.name);
    set_header(line, name == before, add());
    before = std::move(name);
  }
}

void write_status(wire::CheckResponse* into, int code, std::uint16_t status) {
  into->mutable_status()->set_code(code);
  into->mutable_denied_response()->mutable_status()->set_code(
      static_cast<envoy::type::v3::StatusCode>(status));
}

}  // namespace

Result<Question> read_check(const wire::CheckRequest& request) {
  if (!request.attributes().request().has_http()) {
    return fail(ErrorKind::InvalidInput, "the question has no attributes.request.http");
  }
  const wire::AttributeContext::HttpRequest& http = request.attributes().request().http();
  Question question;
  question.method = http.method();
  question.host = http.host();
  question.target = http.path();
  if (http.scheme() != "https" && http.scheme() != "http") {
    return fail(ErrorKind::InvalidInput, "the question's scheme is neither https nor http");
  }
  question.scheme = http.scheme() == "https" ? http::Scheme::Https : http::Scheme::Http;
  TRY_OK(add_fields(question, http));
  question.client_ip =
      IpAddress::parse(request.attributes().source().address().socket_address().address());
  return question;
}

void write_answer(const Answer& answer, wire::CheckResponse* into) {
  if (const auto* grant = std::get_if<Grant>(&answer.verdict)) {
    into->mutable_status()->set_code(0);
    wire::OkHttpResponse& ok = *into->mutable_ok_response();
    set_headers(grant->changes.set, [&ok] { return ok.add_headers(); });
    for (const std::string& name : grant->changes.remove) {
      ok.add_headers_to_remove(name);
    }
    return;
  }
  const http::Response& response = std::get<Denial>(answer.verdict).response;
  write_status(into, code_of(response.status), response.status);
  wire::DeniedHttpResponse& denied = *into->mutable_denied_response();
  set_headers(response.headers, [&denied] { return denied.add_headers(); });
  set_header({.name = "X-Request-Id", .value = std::string(answer.request_id.view())},
             false,
             denied.add_headers());
  denied.set_body(response.body);
}

void write_refusal(std::uint16_t status,
                   int code,
                   std::string_view text,
                   wire::CheckResponse* into) {
  write_status(into, code, status);
  into->mutable_status()->set_message(std::string(text));
  wire::DeniedHttpResponse& denied = *into->mutable_denied_response();
  set_header(
      {.name = "Content-Type", .value = "text/plain; charset=UTF-8"}, false, denied.add_headers());
  denied.set_body(std::string(text) + "\n");
}

std::optional<IpAddress> address_of_peer(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  const std::size_t port = peer.rfind(':');
  if (scheme == std::string_view::npos || port <= scheme) {
    return std::nullopt;
  }
  const std::string_view family = peer.substr(0, scheme);
  std::string_view address = peer.substr(scheme + 1, port - scheme - 1);
  if (family == "ipv4") {
    return IpAddress::parse(address);
  }
  if (family != "ipv6") {
    return std::nullopt;
  }
  for (const auto& [open, close] :
       std::array<std::pair<std::string_view, std::string_view>, 2>{{{"[", "]"}, {"%5B", "%5D"}}}) {
    if (address.starts_with(open) && address.ends_with(close)) {
      return IpAddress::parse(
          address.substr(open.size(), address.size() - open.size() - close.size()));
    }
  }
  return std::nullopt;
}

}  // namespace vallum::ext_authz
