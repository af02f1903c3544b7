#include "proxy/message_heads.h"

#include <array>
#include <charconv>

#include "base/strings.h"
#include "codec/cookie.h"
#include "codec/percent.h"
#include "http/status_of.h"
#include "http/syntax/list_items.h"
#include "session/credentials.h"

namespace vallum::proxy {

namespace {

using http::BodyFraming;
using http::Field;
using http::FieldId;
using http::Fields;

constexpr std::string_view kServer = "vallum";

void append_line(std::string& out, std::string_view name, std::string_view value) {
  append_all(out, {name, ": ", value, "\r\n"});
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// Whether a Connection field names this one as belonging to the connection.
bool is_named_by_connection(const Fields& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.id != FieldId::Connection) {
      continue;
    }
    const bool absent = http::for_each_item(
        field.value, [name](std::string_view option) { return !iequals(option, name); });
    if (!absent) {
      return true;
    }
  }
  return false;
}

// Only a list longer than the two usual options can name other fields.
bool connection_names_fields(const Fields& fields) {
  bool names = false;
  for (const Field& field : fields) {
    if (field.id == FieldId::Connection) {
      http::for_each_item(field.value, [&names](std::string_view option) {
        names = names || (!iequals(option, "keep-alive") && !iequals(option, "close"));
        return true;
      });
    }
  }
  return names;
}

enum class Fate : std::uint8_t { Copy, Drop, CheckName };

// What happens to a client's field because of its name alone.
Fate fate_of_request_field(FieldId id) {
  switch (id) {
    case FieldId::Connection:
    case FieldId::ContentLength:
    case FieldId::Cookie:
    case FieldId::Expect:
    case FieldId::Host:
    case FieldId::Http2Settings:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade:
    case FieldId::XForwardedClientCert:
    case FieldId::XForwardedFor:
    case FieldId::XForwardedHost:
    case FieldId::XForwardedProto:
    case FieldId::XPomeriumAuthorization:
    case FieldId::XRequestId:
    case FieldId::XPomerium:
    case FieldId::XEnvoy:
    case FieldId::Impersonate:  // a Kubernetes API believes it of whoever it trusts, which is us
      return Fate::Drop;
    case FieldId::Authorization:
    case FieldId::Other:
      return Fate::CheckName;
    case FieldId::Accept:
    case FieldId::AcceptEncoding:
    case FieldId::AccessControlRequestHeaders:
    case FieldId::AccessControlRequestMethod:
    case FieldId::AltSvc:
    case FieldId::ContentType:
    case FieldId::Date:
    case FieldId::Forwarded:
    case FieldId::Location:
    case FieldId::Origin:
    case FieldId::ProxyAuthorization:
    case FieldId::Referer:
    case FieldId::SecFetchDest:
    case FieldId::SecFetchMode:
    case FieldId::SecFetchSite:
    case FieldId::Server:
    case FieldId::SetCookie:
    case FieldId::StrictTransportSecurity:
    case FieldId::UserAgent:
    case FieldId::Via:
      return Fate::Copy;
  }
  return Fate::Drop;
}

void append_client_fields(std::string& out, const UpstreamRequest& request) {
  const Fields& fields = request.client.fields;
  const bool names_fields = connection_names_fields(fields);
  for (const Field& field : fields) {
    const Fate fate = fate_of_request_field(field.id);
    if (fate == Fate::Drop ||
        (field.id == FieldId::Authorization && session::carries_own_credential(field.value)) ||
        (!request.rules.not_from_client.empty() &&
         request.rules.not_from_client.contains(field.name)) ||
        (names_fields && is_named_by_connection(fields, field.name))) {
      continue;
    }
    append_line(out, field.name, field.value);
  }
}

void append_cookies(std::string& out, const UpstreamRequest& request) {
  const Fields& fields = request.client.fields;
  if (!fields.has(FieldId::Cookie) || request.rules.not_from_client.contains("cookie")) {
    return;
  }
  const std::size_t before = out.size();
  out.append("Cookie: ");
  bool any = false;
  for (const Field& field : fields) {
    if (field.id == FieldId::Cookie) {
      const std::size_t end = out.size();
      if (any) {
        out.append("; ");
      }
      if (append_foreign_cookies(out, field.value, request.settings.cookie_name)) {
        any = true;
      } else {
        out.resize(end);
      }
    }
  }
  if (any) {
    out.append("\r\n");
  } else {
    out.resize(before);
  }
}

void append_joined(std::string& out, const Fields& fields, FieldId id) {
  bool first = true;
  for (const Field& field : fields) {
    if (field.id == id && !field.value.empty()) {
      out.append(first ? "" : ",").append(field.value);
      first = false;
    }
  }
}

// Configuration specification 4.7 and 3.8.
void append_forwarded(std::string& out, const UpstreamRequest& request) {
  const Fields& fields = request.client.fields;
  const bool has_chain = fields.has(FieldId::XForwardedFor);
  if (has_chain || request.settings.append_forwarded_for) {
    out.append("X-Forwarded-For: ");
    append_joined(out, fields, FieldId::XForwardedFor);
    if (request.settings.append_forwarded_for) {
      out.append(has_chain ? "," : "").append(request.peer_ip);
    }
    out.append("\r\n");
  }
  const std::string_view proto = fields.value(FieldId::XForwardedProto);
  const bool believed = request.settings.trusted_hops > 0 && (proto == "http" || proto == "https");
  append_line(out, "X-Forwarded-Proto", believed ? proto : "https");
  const bool rewritten = !request.rules.upstream_host.empty();
  const bool believes_host =
      request.settings.trusted_hops > 0 && fields.has(FieldId::XForwardedHost);
  if (believes_host || rewritten) {
    out.append("X-Forwarded-Host: ");
    if (believes_host) {
      append_joined(out, fields, FieldId::XForwardedHost);
    }
    if (rewritten) {
      out.append(believes_host ? "," : "").append(request.client.authority.text());
    }
    out.append("\r\n");
  }
}

void append_framing(std::string& out, BodyFraming framing) {
  switch (framing.kind) {
    case BodyFraming::Kind::Length:
      out.append("Content-Length: ");
      append_number(out, framing.length);
      out.append("\r\n");
      return;
    case BodyFraming::Kind::Chunked:
      append_line(out, "Transfer-Encoding", "chunked");
      return;
    case BodyFraming::Kind::None:
    case BodyFraming::Kind::UntilClose:
      return;
  }
}

// A request without a body says so only where a body is usual (RFC 9110 8.6).
void append_request_framing(std::string& out, const http::RequestHead& head) {
  append_framing(out, head.framing);
  const bool usual = head.method == http::Method::Post || head.method == http::Method::Put ||
                     head.method == http::Method::Patch;
  if (head.framing.kind == BodyFraming::Kind::None && usual) {
    append_line(out, "Content-Length", "0");
  }
}

// A header of the client by its name, as far as an application may see it: the lines joined by
// commas. Our credentials are nobody's to copy, and what only we may say is not the client's.
void append_client_header(std::string& out,
                          const UpstreamRequest& request,
                          const std::string& name) {
  const FieldId id = http::field_id(name);
  if (id == FieldId::XPomerium || id == FieldId::XPomeriumAuthorization) {
    return;
  }
  const std::size_t before = out.size();
  for (const Field& field : request.client.fields) {
    if (!iequals(field.name, name) ||
        (id == FieldId::Authorization && session::carries_own_credential(field.value))) {
      continue;
    }
    const std::size_t end = out.size();
    out.append(end == before ? "" : id == FieldId::Cookie ? "; " : ",");
    if (id != FieldId::Cookie) {
      out.append(field.value);
    } else if (!append_foreign_cookies(out, field.value, request.settings.cookie_name)) {
      out.resize(end);
    }
  }
}

// A name with a comma would read as two and is left out (configuration specification 3.11).
void append_names(std::string& out, const std::vector<std::string>& names) {
  bool first = true;
  for (const std::string& name : names) {
    if (!name.contains(',')) {
      append_all(out, {first ? "" : ",", name});
      first = false;
    }
  }
}

void append_piece(std::string& out,
                  const UpstreamRequest& request,
                  const config::HeaderPiece& piece) {
  using Kind = config::HeaderPiece::Kind;
  const policy::LeafCertificate* leaf = request.facts.leaf;
  switch (piece.kind) {
    case Kind::Literal:
      out.append(piece.text);
      return;
    case Kind::AccessToken:
      out.append(request.facts.access_token);
      return;
    case Kind::IdToken:
      out.append(request.facts.id_token);
      return;
    case Kind::Assertion:
      out.append(request.facts.assertion);
      return;
    case Kind::CertificateFingerprint:
      out.append(leaf == nullptr ? std::string() : to_hex(leaf->fingerprint));
      return;
    case Kind::CertificateDnsNames:
      append_names(out, leaf == nullptr ? std::vector<std::string>() : leaf->san_dns);
      return;
    case Kind::CertificateEmails:
      append_names(out, leaf == nullptr ? std::vector<std::string>() : leaf->san_email);
      return;
    case Kind::RequestHeader:
      append_client_header(out, request, piece.text);
      return;
  }
}

// set_request_headers. What a provider or a certificate said must not become a line of its own.
void append_set_headers(std::string& out, const UpstreamRequest& request) {
  for (const config::RequestHeader& header : request.rules.set_request_headers) {
    append_all(out, {header.name, ": "});
    const std::size_t begin = out.size();
    for (const config::HeaderPiece& piece : header.value) {
      append_piece(out, request, piece);
    }
    if (!http::is_field_value(std::string_view(out).substr(begin))) {
      out.resize(begin);
    }
    out.append("\r\n");
  }
}

bool names_session_parameter(std::string_view piece) {
  const std::optional<std::string> name = codec::form_decode(piece.substr(0, piece.find('=')));
  return name == "pomerium_session";
}

}  // namespace

bool is_own_cookie(std::string_view name, std::string_view cookie_name) {
  // A browser may send "name " where another reader sees "name": the trimmed form is what counts.
  const std::string_view trimmed = trim_ows(name);
  if (!trimmed.starts_with(cookie_name)) {
    return false;
  }
  return trimmed.size() == cookie_name.size() || trimmed[cookie_name.size()] == '_';
}

bool append_foreign_cookies(std::string& out,
                            std::string_view cookies,
                            std::string_view cookie_name) {
  bool any = false;
  std::string_view rest = cookies;
  for (codec::CookiePair pair; codec::next_cookie(rest, pair);) {
    if (is_own_cookie(pair.name, cookie_name)) {
      continue;
    }
    out.append(any ? "; " : "").append(pair.piece);
    any = true;
  }
  return any;
}

void append_query_without_session(std::string& out, std::string_view query) {
  // The usual query cannot hold the parameter, not even percent-encoded.
  if (query.find("omerium") == std::string_view::npos &&
      query.find('%') == std::string_view::npos) {
    out.append(query);
    return;
  }
  bool first = true;
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    if (!names_session_parameter(piece)) {
      out.append(first ? "" : "&").append(piece);
      first = false;
    }
    if (end == std::string_view::npos) {
      return;
    }
    query.remove_prefix(end + 1);
  }
}

void append_upstream_request(std::string& out, const UpstreamRequest& request) {
  const http::RequestHead& client = request.client;
  out.append(client.method_text).append(" ").append(request.path);
  if (request.query) {
    const std::size_t mark = out.size();
    out.append("?");
    append_query_without_session(out, *request.query);
    // A query that was ours alone leaves no "?" behind.
    if (out.size() == mark + 1 && !request.query->empty()) {
      out.resize(mark);
    }
  }
  const bool rewritten = !request.rules.upstream_host.empty();
  out.append(" HTTP/1.1\r\nHost: ")
      .append(rewritten ? std::string_view(request.rules.upstream_host) : client.authority.text())
      .append("\r\n");
  append_client_fields(out, request);
  append_cookies(out, request);
  append_forwarded(out, request);
  append_line(out, "X-Request-Id", request.request_id);
  append_request_framing(out, client);
  if (!request.upgrade.empty()) {
    append_line(out, "Connection", "upgrade");
    append_line(out, "Upgrade", request.upgrade);
  }
  out.append(request.identity_lines);
  if (!request.serverless_token.empty()) {
    append_all(out, {"X-Serverless-Authorization: Bearer ", request.serverless_token, "\r\n"});
  }
  append_set_headers(out, request);
  out.append("\r\n");
}

namespace {

bool is_dropped_response_field(FieldId id) {
  switch (id) {
    case FieldId::AltSvc:  // would lead clients past the proxy
    case FieldId::Connection:
    case FieldId::ContentLength:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::Server:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade:
    case FieldId::XRequestId:
    case FieldId::XPomerium:
    case FieldId::XPomeriumAuthorization:
    case FieldId::XEnvoy:
      return true;
    default:
      return false;
  }
}

// An application must not be able to plant or clear our cookies.
bool sets_own_cookie(std::string_view set_cookie, std::string_view cookie_name) {
  return is_own_cookie(set_cookie.substr(0, set_cookie.find_first_of("=;")), cookie_name);
}

void append_upstream_fields(std::string& out, const ClientResponse& response) {
  const Fields& fields = response.upstream.fields;
  const bool names_fields = connection_names_fields(fields);
  for (const Field& field : fields) {
    if (is_dropped_response_field(field.id) ||
        (field.id == FieldId::SetCookie &&
         sets_own_cookie(field.value, response.settings.cookie_name)) ||
        response.rules.set_response_names.contains(field.name) ||
        (names_fields && is_named_by_connection(fields, field.name))) {
      continue;
    }
    append_line(out, field.name, field.value);
  }
}

// Without a body a length still says how long it would be: of HEAD and 304 (RFC 9110 8.6).
void append_length_without_body(std::string& out, const ClientResponse& response) {
  const std::uint16_t status = response.upstream.status;
  if (status == 204 || status < 200) {
    return;
  }
  const std::string_view length = response.upstream.fields.value(FieldId::ContentLength);
  if (response.method == http::Method::Head || status == 304) {
    if (!length.empty()) {
      append_line(out, "Content-Length", length);
    }
    return;
  }
  append_line(out, "Content-Length", "0");
}

}  // namespace

void append_client_response(std::string& out, const ClientResponse& response) {
  const http::ResponseHead& upstream = response.upstream;
  out.append("HTTP/1.1 ");
  append_number(out, upstream.status);
  out.append(" ").append(upstream.reason).append("\r\n");
  append_upstream_fields(out, response);
  for (const HeaderLine& line : response.rules.set_response_headers) {
    append_line(out, line.name, line.value);
  }
  if (!upstream.fields.has(FieldId::Date)) {
    append_line(out, "Date", response.date);
  }
  append_line(out, "Server", kServer);
  append_line(out, "X-Request-Id", response.request_id);
  if (!response.upgrade.empty()) {
    append_line(out, "Connection", "upgrade");
    append_line(out, "Upgrade", response.upgrade);
  } else if (response.framing.kind == BodyFraming::Kind::None) {
    append_length_without_body(out, response);
  } else {
    append_framing(out, response.framing);
  }
  if (!response.keep_alive && response.upgrade.empty()) {
    append_line(out, "Connection", "close");
  }
  out.append("\r\n");
}

void append_own_response(std::string& out,
                         const http::Response& response,
                         const OwnResponse& about) {
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  out.append(" ").append(http::reason_phrase(response.status)).append("\r\n");
  for (const http::Headers::Line& line : response.headers) {
    append_line(out, line.name, line.value);
  }
  append_line(out, "Date", about.date);
  append_line(out, "Server", kServer);
  if (!about.request_id.empty()) {
    append_line(out, "X-Request-Id", about.request_id);
  }
  if (response.status != 204 && response.status != 304) {
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  if (!about.keep_alive) {
    append_line(out, "Connection", "close");
  }
  out.append("\r\n");
  if (about.method != http::Method::Head) {
    out.append(response.body);
  }
}

}  // namespace vallum::proxy
