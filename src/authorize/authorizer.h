#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/core.h"
#include "async/task.h"
#include "authorize/assertion.h"
#include "authorize/check.h"
#include "authorize/client_certificate.h"
#include "base/entropy.h"
#include "base/secret_list.h"
#include "config/route_settings.h"
#include "crypto/jose/signing_key.h"
#include "http/syntax/authority.h"
#include "session/bearer.h"
#include "session/identity_cache.h"
#include "session/lru_table.h"
#include "session/session_finder.h"

namespace vallum::authorize {

// What the configuration says about sessions.
struct AuthorizerSettings {
  std::string cookie_name = "_pomerium";
  // The provider whose sessions count; "" while none is configured: none then.
  std::string idp_id;
};

// What one of a route's policies says for itself.
struct PolicyAnswer {
  const config::ExplainedPolicy* policy = nullptr;  // of the route's settings
  policy::Decision decision;
};

// Decides requests on one core: finds who asks, asks the route's program, and turns the answer into
// an outcome. The only maker of permits. Home core only.
//
//   authorizer.check(question, check);
//   while (check.state == Check::State::NeedsIdentity) { co_await authorizer.load(&check,
//   deadline); ask again }
class Authorizer {
 public:
  // All outlive the authorizer.
  struct Parts {
    async::Core& core;
    Entropy& entropy;
    session::IdentityCache& identities;
    const SecretList& shared_key;
    const crypto::SigningKeys& signing_keys;
  };
  // `verify` is empty where no token of others is taken.
  Authorizer(const Parts& parts, AuthorizerSettings settings, session::VerifyBearer verify = {});
  Authorizer(const Authorizer&) = delete;
  Authorizer& operator=(const Authorizer&) = delete;

  // Other shared secrets from now on; handles under those that are gone do not count any more.
  void use(const SecretList& shared_keys) { finder_.use(shared_keys); }

  // Never waits; allocates nothing for a session that is known on this core.
  void check(const Question& question, Check& into);

  // Reads the session that check() asked for, or has the token verified. Fails when nobody knows
  // whether there is one, or whether the token is good: the answer is 503 then.
  Async<void> load(Check* check, Deadline deadline);

  // What each of the policies behind a refusal says for itself, where the route wants it told.
  // Requires a check that was decided.
  std::vector<PolicyAnswer> explain(const Question& question, Check& check);

  // What tells the application who asks; nothing where the route passes no identity. Signs only
  // when nothing signed for the same session, records, route, host and key is younger than half its
  // life. Until the next call.
  IdentityLines identity_lines(const Check& check,
                               const config::RouteSettings& route,
                               const policy::PermitTerms& terms,
                               const http::Authority& host);

  // An assertion of its own about an identity.
  std::string sign_assertion(const AssertionSubject& subject);

  // Why these authorities refuse the certificate a connection brought.
  crypto::ChainFault certificate_fault(const ClientCertificate& certificate,
                                       const crypto::ClientAuthorities& authorities);

  // See IdentityCache.
  bool is_stale() const { return parts_.identities.is_stale(); }

  std::uint64_t assertions_signed() const { return assertions_signed_; }

 private:
  struct KnownLines {
    IdentityText lines;
    WallTime sign_again_at{};
  };
  static constexpr std::size_t kKnownLinesMax = 20000;

  void find_session(const Question& question, Check& into);
  void find_bearer(std::string_view token,
                   const session::CredentialPlaces& places,
                   const Question& question,
                   Check& into);
  policy::Facts facts_of(const Question& question, Check& check);
  void decide(const Question& question, Check& into);
  policy::CertificateVerdict judge_certificate(const Question& question, Check& into);
  static void decide_own(const Question& question, Check& into);
  void set_lines_key(const Check& check,
                     const policy::PermitTerms& terms,
                     const http::Authority& host);
  IdentityText make_lines(const Check& check,
                          const config::RouteSettings& route,
                          const http::Authority& host);

  Parts parts_;
  AuthorizerSettings settings_;
  session::SessionFinder finder_;
  session::BearerFinder bearers_;
  session::VerifyBearer verify_;
  CertificateVerdicts verdicts_;
  session::LruTable<KnownLines> known_lines_;
  std::string lines_key_;
  IdentityText lines_of_one_request_;
  std::uint64_t assertions_signed_ = 0;
};

}  // namespace vallum::authorize
