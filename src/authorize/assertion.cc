#include "authorize/assertion.h"

#include "base/strings.h"
#include "codec/json_writer.h"
#include "crypto/digest.h"
#include "http/syntax/fields.h"
#include "session/assertion_claims.h"

namespace vallum::authorize {

namespace {

// One header must not make the application refuse the request.
constexpr std::size_t kClaimHeaderBytesMax = 8 * 1024;

std::string issuer_of(const AssertionSubject& subject) {
  const std::string host(subject.host);
  return subject.rules.issuer_format == config::IssuerFormat::Uri ? "https://" + host + "/" : host;
}

session::GroupsFilter filter_of(const config::AssertionRules& rules) {
  return session::GroupsFilter(rules.groups_filter);
}

// What arrives as it was sent: no control character, and no white space that a receiver would trim
// away, so that " admins" is not taken for "admins".
bool arrives_unchanged(std::string_view value) {
  return !value.empty() && http::is_field_value(value) && trim_ows(value) == value;
}

// Policy specification 5.6. One line per group: a name may hold a comma. Without somebody to
// impersonate the token is not sent either, because alone it would lend a stranger all rights of
// the service account.
void append_impersonation(std::string& text, const AssertionSubject& subject, const Secret& token) {
  const session::JoinedIdentity* identity = subject.identity;
  if (identity == nullptr || !arrives_unchanged(identity->assertion_email())) {
    return;
  }
  if (!token.empty()) {
    append_all(text, {"Authorization: Bearer ", token.expose_text(), "\r\n"});
  }
  append_all(text, {"Impersonate-User: ", identity->assertion_email(), "\r\n"});
  for (const std::string& group : session::assertion_groups(identity, filter_of(subject.rules))) {
    if (arrives_unchanged(group)) {
      append_all(text, {"Impersonate-Group: ", group, "\r\n"});
    }
  }
}

// So that the requests of one session meet at one destination; strangers have nothing to meet at.
void append_routing_key(std::string& text, const session::JoinedIdentity* identity) {
  if (identity == nullptr) {
    return;
  }
  const crypto::Digest256 digest = crypto::sha256(as_bytes(identity->session_id()));
  append_all(text, {"X-Pomerium-Routing-Key: ", to_hex(digest), "\r\n"});
}

}  // namespace

Assertion::Assertion(const AssertionSubject& subject, WallTime now, Entropy& entropy)
    : subject_(subject),
      issuer_(issuer_of(subject)),
      id_(entropy.uuid_text()),
      issued_at_(unix_seconds(now)) {}

std::string Assertion::sign(const crypto::SigningKey& key) const {
  std::string payload;
  codec::JsonWriter json(payload);
  json.begin_object()
      .member("iss", issuer_)
      .member("aud", subject_.host)
      .member("jti", id_.view())
      .member("iat", issued_at_)
      .member("exp", issued_at_ + kAssertionLifetime.count());
  session::append_assertion_claims(
      json, subject_.identity, subject_.rules.extra_claims, filter_of(subject_.rules));
  json.end_object();
  return key.sign(payload);
}

std::string Assertion::header_value(std::string_view claim) const {
  if (claim == "iss") {
    return issuer_;
  }
  if (claim == "aud") {
    return std::string(subject_.host);
  }
  if (claim == "jti") {
    return std::string(id_.view());
  }
  if (claim == "iat" || claim == "exp") {
    return std::to_string(issued_at_ + (claim == "exp" ? kAssertionLifetime.count() : 0));
  }
  std::string value =
      session::claim_header_value(subject_.identity, claim, filter_of(subject_.rules));
  if (value.size() > kClaimHeaderBytesMax) {
    value.clear();
  }
  return value;
}

bool tells_identity(const config::RouteSettings& route) {
  return route.pass_identity_headers || route.needs_assertion || route.is_kubernetes ||
         route.sends_routing_key;
}

IdentityText identity_text(const AssertionSubject& subject,
                           const config::RouteSettings& route,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy) {
  static constexpr std::string_view kName = "X-Pomerium-Jwt-Assertion: ";
  IdentityText made;
  const Assertion assertion(subject, now, entropy);
  if (route.sends_assertion || route.needs_assertion) {
    const std::string token = assertion.sign(key);
    made.assertion_begin = route.sends_assertion ? kName.size() : 0;
    made.assertion_bytes = token.size();
    made.lines_begin = route.sends_assertion ? 0 : token.size();
    append_all(made.text,
               {route.sends_assertion ? kName : std::string_view(),
                token,
                route.sends_assertion ? std::string_view("\r\n") : std::string_view()});
  }
  if (route.pass_identity_headers) {
    for (const config::ClaimHeader& header : route.claim_headers) {
      append_all(made.text, {header.header, ": ", assertion.header_value(header.claim), "\r\n"});
    }
  }
  if (route.is_kubernetes) {
    append_impersonation(made.text, subject, route.kubernetes_token);
  }
  if (route.sends_routing_key) {
    append_routing_key(made.text, subject.identity);
  }
  return made;
}

}  // namespace vallum::authorize
