#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "crypto/chain/client_authorities.h"
#include "http/syntax/head.h"
#include "policy/decision.h"
#include "policy/outcome.h"
#include "policy/permit.h"
#include "session/bearer.h"
#include "session/identity_cache.h"

namespace vallum::config {
struct RouteSettings;
}  // namespace vallum::config

namespace vallum::authorize {

class ClientCertificate;

// A request as the authorizer needs to know it. Views live until check() returns.
struct Question {
  const http::RequestHead& head;
  // Without '?'.
  std::string_view query;
  // The path as policies compare it.
  std::string_view path;
  // After trusted hops; absent when unknown.
  std::optional<IpAddress> client_ip;
  // That the connection's handshake brought; null: none.
  const ClientCertificate* certificate = nullptr;
  // Null for own endpoints: no policy is asked, and there is no permit.
  const config::RouteSettings* route = nullptr;
  // What a permit is to cover; the session is filled in.
  policy::PermitTerms terms;
};

// What the authorizer found.
struct Check {
  enum class State : std::uint8_t {
    Decided,
    // A session has to be read first: co_await load(), then ask again.
    NeedsIdentity,
    // Valid credentials of two sessions, or a credential of ours given twice: 400.
    Ambiguous,
    // The bearer token that the route takes instead of a session is not valid: 403, whatever the
    // policy says.
    TokenRefused,
  };

  State state = State::Decided;
  session::SessionWanted wanted;  // of NeedsIdentity
  // Of NeedsIdentity when there is a token that has to be verified instead.
  std::optional<session::BearerQuestion> unverified;
  // The request is judged by a bearer token, and by no session handle.
  bool by_token = false;
  // Why that does not count. Without secrets.
  std::string token_refusal;

  // Null when anonymous.
  session::IdentityRef identity;
  // A credential of ours was presented in a header or the query, valid or not: no redirect then.
  bool presented_token = false;
  // A session cookie was presented, valid or not.
  bool presented_cookie = false;
  policy::Decision decision;
  policy::Outcome outcome = policy::Outcome::Forbidden;
  // What the route's shadow policy would have made of it; for the record alone.
  std::optional<policy::Outcome> shadow_outcome;
  // There when the outcome is Allowed.
  std::optional<policy::Permit> permit;
  policy::SessionTag session{};
  // What the route's authorities have against the certificate; None without a certificate, and
  // where nobody is asked.
  crypto::ChainFault certificate_fault = crypto::ChainFault::None;

  void reset() { *this = Check(); }
};

}  // namespace vallum::authorize
