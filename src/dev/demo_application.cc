#include "dev/demo_application.h"

#include <utility>

#include "codec/accept.h"
#include "codec/json_writer.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jws.h"
#include "pages/document.h"
#include "pages/response.h"

namespace vallum::dev {
namespace {

std::string scalar_text(const codec::Node& value) {
  if (value.is_bool()) {
    return value.as_bool() ? "true" : "false";
  }
  return value.text();
}

std::string text_of(const codec::Node& value) {
  if (!value.is_list()) {
    return scalar_text(value);
  }
  std::string out;
  for (const codec::Node& item : value.items()) {
    out += (out.empty() ? "" : ", ") + scalar_text(item);
  }
  return out;
}

std::string claim(const Result<codec::Node>& claims, std::string_view name) {
  const codec::Node* value = claims.has_value() ? claims->find(name) : nullptr;
  return value == nullptr ? std::string() : text_of(*value);
}

}  // namespace

DemoApplication::DemoApplication(DevelopmentMode /*mode*/,
                                 crypto::JwkSet keys,
                                 const Clock& clock,
                                 Entropy& entropy)
    : keys_(std::move(keys)), clock_(clock), entropy_(entropy) {}

Result<codec::Node> DemoApplication::verify_assertion(std::string_view assertion,
                                                      std::string_view host) const {
  if (assertion.empty()) {
    return fail(ErrorKind::Unauthenticated, "no assertion was sent");
  }
  TRY(const auto jws, crypto::UnverifiedJws::parse(assertion));
  TRY(const std::string payload,
      crypto::verify_jws(keys_, {crypto::JwsAlgorithm::Es256, crypto::JwsAlgorithm::Rs256}, jws));
  TRY(codec::Node claims, crypto::parse_claims(payload));
  const codec::Node* audience = claims.find("aud");
  if (audience == nullptr || audience->text() != host) {
    return fail(ErrorKind::Unauthenticated, "the assertion is for another application");
  }
  const codec::Node* expires = claims.find("exp");
  const auto time = expires == nullptr ? std::nullopt : crypto::numeric_date(*expires);
  if (!time.has_value() || *time <= clock_.wall()) {
    return fail(ErrorKind::Unauthenticated, "the assertion has expired");
  }
  return claims;
}

http::Response DemoApplication::handle(const http::Request& request) {
  if (request.path == "/favicon.ico") {
    return pages::make_response(404, "", "");
  }
  const auto claims =
      verify_assertion(request.headers.value("X-Pomerium-Jwt-Assertion"), request.authority.host());
  return codec::prefers_json(request.headers.value("Accept")) ? as_json(request, claims)
                                                              : as_page(request, claims);
}

http::Response DemoApplication::as_page(const http::Request& request,
                                        const Result<codec::Node>& claims) {
  const std::string nonce = pages::make_nonce(entropy_);
  const pages::Frame frame{.request_id = request.headers.value("X-Request-Id"), .nonce = nonce};
  const std::string email = claim(claims, "email");
  pages::Document page(email.empty() ? "Hello, whoever you are" : "Hello, " + email, frame);
  page.paragraph(
      "This is the demo application of Vallum's development mode. It has no login of its own: the "
      "proxy in front of it says who is asking, and signs what it says.");
  page.heading("The signed assertion");
  if (claims.has_value()) {
    page.paragraph(
        "Checked with the key that Vallum publishes: it is genuine, for this host, and in time.");
    page.begin_rows();
    for (const codec::Node::Member& member : claims->members()) {
      page.row(member.key, text_of(member.value));
    }
    page.end_rows();
  } else {
    page.paragraph("Not accepted: " + std::string(claims.error().message()) + ".");
  }
  page.heading("Everything the application received");
  page.begin_rows();
  page.row("Path", request.path + (request.query.empty() ? "" : "?" + request.query));
  for (const http::Headers::Line& line : request.headers) {
    page.row(line.name, line.value);
  }
  page.end_rows();
  page.heading("What next");
  page.link("/.pomerium/", "Your session");
  page.link("/.pomerium/sign_out", "Sign out");
  return pages::make_page(200, page.finish(), nonce);
}

http::Response DemoApplication::as_json(const http::Request& request,
                                        const Result<codec::Node>& claims) const {
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object().member("path", request.path).member("query", request.query);
  json.member("email", claim(claims, "email"));
  json.member("assertion", claims.has_value() ? "verified" : claims.error().message());
  json.key("headers").begin_array();
  for (const http::Headers::Line& line : request.headers) {
    json.begin_array().value(line.name).value(line.value).end_array();
  }
  json.end_array().end_object();
  return pages::make_response(200, "application/json", std::move(body));
}

}  // namespace vallum::dev
