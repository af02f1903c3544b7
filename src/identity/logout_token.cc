#include "identity/logout_token.h"

#include <string>

#include "identity/id_token.h"
#include "identity/limits.h"

namespace vallum::identity {
namespace {

using codec::Node;

constexpr std::string_view kEvent = "http://schemas.openid.net/event/backchannel-logout";
// Longer names could not be in a session either.
constexpr std::size_t kNameBytesMax = 1024;

Unexpected refused(std::string_view why) {
  return fail(ErrorKind::Unauthenticated, std::string(why));
}

// "" when it is absent.
Result<std::string> text_claim(const Node& claims, std::string_view name) {
  const Node* value = claims.find(name);
  if (value == nullptr) {
    return std::string();
  }
  if (!value->is_string() || value->text().empty() || value->text().size() > kNameBytesMax ||
      value->text().contains('\0')) {
    return refused("'" + std::string(name) + "' is not a text of use");
  }
  return value->text();
}

}  // namespace

Result<LogoutToken> check_logout_token(const Node& claims, const LogoutExpectation& expectation) {
  TRY_OK(check_issuer_and_audience(claims, expectation.issuer, expectation.client_id));
  TRY(const WallTime expires_at, date_claim(claims, "exp"));
  if (expires_at + Limits::kLeeway <= expectation.now) {
    return refused("'exp' is in the past");
  }
  TRY(const WallTime issued_at, date_claim(claims, "iat"));
  if (issued_at > expectation.now + Limits::kLeeway) {
    return refused("'iat' is in the future");
  }
  if (issued_at + Limits::kLogoutTokenAge + Limits::kLeeway <= expectation.now) {
    return refused("'iat' is too long ago");
  }
  const Node* events = claims.find("events");
  const Node* event = events == nullptr ? nullptr : events->find(kEvent);
  if (event == nullptr || !event->is_map()) {
    return refused("'events' does not say that it is one");
  }
  // An ID token that is passed off as one.
  if (claims.find("nonce") != nullptr) {
    return refused("it has a 'nonce'");
  }
  LogoutToken token;
  TRY(token.subject, text_claim(claims, "sub"));
  TRY(token.session_id, text_claim(claims, "sid"));
  TRY(token.token_id, text_claim(claims, "jti"));
  if (token.subject.empty() && token.session_id.empty()) {
    return refused("it has neither 'sub' nor 'sid'");
  }
  if (token.token_id.empty()) {
    return refused("it has no 'jti'");
  }
  return token;
}

}  // namespace vallum::identity
