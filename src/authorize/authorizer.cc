#include "authorize/authorizer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "authorize/assertion.h"
#include "policy/facts.h"
#include "policy/program.h"

namespace vallum::authorize {

using http::FieldId;

namespace {

// The values of up to kMax lines of one field.
class FieldValues {
 public:
  static constexpr std::size_t kMax = 16;

  FieldValues(const http::Fields& fields, FieldId id) {
    if (!fields.has(id)) {
      return;
    }
    for (const http::Field& field : fields) {
      if (field.id == id) {
        if (count_ == kMax) {
          overflows_ = true;
          return;
        }
        values_[count_++] = field.value;
      }
    }
  }
  std::span<const std::string_view> view() const { return std::span(values_).first(count_); }
  bool overflows() const { return overflows_; }

 private:
  std::array<std::string_view, kMax> values_{};
  std::size_t count_ = 0;
  bool overflows_ = false;
};

// The own endpoints that say nothing to nobody (policy specification 3.4).
constexpr auto kPathsForSessions = std::to_array<std::string_view>({"/.pomerium/api/v1/routes",
                                                                    "/.pomerium/jwt",
                                                                    "/.pomerium/mcp/authorize",
                                                                    "/.pomerium/mcp/connect",
                                                                    "/.pomerium/mcp/routes",
                                                                    "/.pomerium/routes",
                                                                    "/.pomerium/user",
                                                                    "/.pomerium/webauthn"});

template <class Number>
void append_raw(std::string& out, Number number) {
  std::array<char, sizeof(Number)> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  out.append(bytes.data(), bytes.size());
}

}  // namespace

Authorizer::Authorizer(const Parts& parts,
                       AuthorizerSettings settings,
                       session::VerifyBearer verify)
    : parts_(parts),
      settings_(std::move(settings)),
      finder_(parts.identities, parts.shared_key, settings_.cookie_name),
      bearers_(parts.identities, settings_.idp_id),
      verify_(std::move(verify)),
      known_lines_(kKnownLinesMax) {}

void Authorizer::find_session(const Question& question, Check& into) {
  const http::Fields& fields = question.head.fields;
  const FieldValues cookies(fields, FieldId::Cookie);
  const FieldValues own_header(fields, FieldId::XPomeriumAuthorization);
  const FieldValues authorization(fields, FieldId::Authorization);
  if (cookies.overflows() || own_header.overflows() || authorization.overflows()) {
    into.state = Check::State::Ambiguous;
    return;
  }
  // Our own pages give no access to anything: who is signed in can sign out whatever the provider
  // does.
  const Duration grace = question.route == nullptr ? Duration::max() : question.route->outage_grace;
  const session::CredentialPlaces places{.cookie = cookies.view(),
                                         .pomerium_authorization = own_header.view(),
                                         .authorization = authorization.view(),
                                         .query = question.query};
  into.by_token = false;
  if (question.route != nullptr &&
      question.route->bearer.format != config::BearerTokenFormat::Default) {
    // Which of two would be meant nobody can know.
    if (authorization.view().size() > 1) {
      into.state = Check::State::Ambiguous;
      return;
    }
    const auto token = authorization.view().empty()
                           ? std::nullopt
                           : session::bearer_token(authorization.view().front());
    if (token) {
      find_bearer(*token, places, question, into);
      return;
    }
  }
  session::FoundSession found = finder_.find(places,
                                             {.host = question.head.authority.host(),
                                              .idp_id = settings_.idp_id,
                                              .now = parts_.core.clock().wall(),
                                              .outage_grace = grace});
  into.presented_cookie = found.presented_cookie;
  into.presented_token = found.presented_token;
  into.identity = std::move(found.identity);
  switch (found.state) {
    case session::FoundSession::State::None:
    case session::FoundSession::State::Found:
      into.state = Check::State::Decided;
      return;
    case session::FoundSession::State::NeedsLoad:
      into.state = Check::State::NeedsIdentity;
      into.wanted = std::move(found.wanted);
      return;
    case session::FoundSession::State::Ambiguous:
      break;
  }
  into.state = Check::State::Ambiguous;
}

// Identity specification 2.5: instead of every session handle, and on routes for tokens of
// identity_providers never together with one.
void Authorizer::find_bearer(std::string_view token,
                             const session::CredentialPlaces& places,
                             const Question& question,
                             Check& into) {
  const config::BearerRules& rules = question.route->bearer;
  into.by_token = true;
  into.presented_token = true;
  into.identity = nullptr;
  if (rules.format == config::BearerTokenFormat::Jwt) {
    const auto handles = session::find_credentials(places, settings_.cookie_name);
    if (!handles || !handles->all().empty()) {
      into.state = Check::State::Ambiguous;
      return;
    }
  }
  if (!into.token_refusal.empty()) {
    into.state = Check::State::TokenRefused;
    return;
  }
  session::FoundBearer found = bearers_.find(token, rules, parts_.core.clock().wall());
  switch (found.state) {
    case session::FoundBearer::State::Found:
      into.state = Check::State::Decided;
      into.identity = std::move(found.identity);
      return;
    case session::FoundBearer::State::NeedsLoad:
      into.state = Check::State::NeedsIdentity;
      into.wanted = std::move(found.wanted);
      return;
    case session::FoundBearer::State::NeedsVerification:
      into.state = Check::State::NeedsIdentity;
      into.unverified = session::BearerQuestion{.token = Secret(token), .rules = rules};
      return;
    case session::FoundBearer::State::Refused:
      break;
  }
  into.state = Check::State::TokenRefused;
  into.token_refusal = "no token stands behind Bearer";
}

void Authorizer::check(const Question& question, Check& into) {
  into.permit.reset();
  into.decision = {};
  into.outcome = policy::Outcome::Forbidden;
  into.shadow_outcome.reset();
  find_session(question, into);
  if (into.state != Check::State::Decided) {
    return;
  }
  into.session = policy::session_tag(into.identity == nullptr ? std::string_view()
                                                              : into.identity->session_id());
  if (question.route != nullptr) {
    decide(question, into);
  } else {
    decide_own(question, into);
  }
}

// Allowed means here that the endpoint answers; it never makes a permit.
void Authorizer::decide_own(const Question& question, Check& into) {
  const bool is_refused =
      into.identity == nullptr &&
      std::ranges::find(kPathsForSessions, question.path) != kPathsForSessions.end();
  into.decision.allow.value = !is_refused;
  into.decision.allow.reasons = {is_refused ? policy::Reason::UserUnauthenticated
                                            : policy::Reason::PomeriumRoute};
  into.outcome = policy::outcome_of(into.decision, {});
}

crypto::ChainFault Authorizer::certificate_fault(const ClientCertificate& certificate,
                                                 const crypto::ClientAuthorities& authorities) {
  return verdicts_.fault_of(certificate, authorities, parts_.core.clock().wall());
}

// Policy specification 4: without authorities everybody passes.
policy::CertificateVerdict Authorizer::judge_certificate(const Question& question, Check& into) {
  into.certificate_fault = crypto::ChainFault::None;
  const crypto::ClientAuthorities* authorities = question.route->client_authorities.get();
  if (authorities == nullptr) {
    return policy::CertificateVerdict::Valid;
  }
  if (question.certificate == nullptr) {
    return policy::CertificateVerdict::NotPresented;
  }
  into.certificate_fault = certificate_fault(*question.certificate, *authorities);
  return into.certificate_fault == crypto::ChainFault::None ? policy::CertificateVerdict::Valid
                                                            : policy::CertificateVerdict::Invalid;
}

policy::Facts Authorizer::facts_of(const Question& question, Check& check) {
  const http::Fields& fields = question.head.fields;
  return {.request = {.method = question.head.method_text,
                      .path = question.path,
                      .origin = fields.value(FieldId::Origin),
                      .access_control_request_method =
                          fields.value(FieldId::AccessControlRequestMethod),
                      .client_ip = question.client_ip},
          .now = parts_.core.clock().wall(),
          .session = nullptr,
          .certificate_verdict = judge_certificate(question, check),
          .leaf = question.certificate == nullptr ? nullptr : question.certificate->leaf(),
          .mcp = {},
          .ssh = {}};
}

void Authorizer::decide(const Question& question, Check& into) {
  policy::SessionFacts session;
  policy::Facts facts = facts_of(question, into);
  if (into.identity != nullptr) {
    session = into.identity->facts();
    facts.session = &session;
  }
  into.decision = policy::decide(question.route->program, facts);
  into.outcome = policy::outcome_of(into.decision, {});
  if (question.route->shadow_program) {
    into.shadow_outcome =
        policy::outcome_of(policy::decide(*question.route->shadow_program, facts), {});
  }
  if (into.outcome == policy::Outcome::Allowed) {
    policy::PermitTerms terms = question.terms;
    terms.session = into.session;
    into.permit = policy::Permit(terms);
  }
}

std::vector<PolicyAnswer> Authorizer::explain(const Question& question, Check& check) {
  policy::SessionFacts session;
  policy::Facts facts = facts_of(question, check);
  if (check.identity != nullptr) {
    session = check.identity->facts();
    facts.session = &session;
  }
  std::vector<PolicyAnswer> answers;
  answers.reserve(question.route->explained.size());
  for (const config::ExplainedPolicy& policy : question.route->explained) {
    answers.push_back({.policy = &policy, .decision = policy::decide(policy.program, facts)});
  }
  return answers;
}

Async<void> Authorizer::load(Check* check, Deadline deadline) {
  if (check->unverified) {
    session::BearerQuestion question = *std::exchange(check->unverified, std::nullopt);
    if (!verify_) {
      co_return fail(ErrorKind::Unavailable, "nobody here verifies tokens");
    }
    const Secret token = question.token.clone();
    const config::BearerTokenFormat format = question.rules.format;
    const Result<session::BearerSession> found = co_await verify_(std::move(question), deadline);
    if (found) {
      bearers_.remember(token, format, *found);
      co_return {};
    }
    if (found.error().kind() != ErrorKind::Unauthenticated) {
      co_return fail(found.error());
    }
    check->token_refusal = found.error().message();
    co_return {};
  }
  session::SessionWanted wanted = std::move(check->wanted);
  co_return co_await parts_.identities.load(std::move(wanted), deadline);
}

// Everything that a set of lines depends on and that may change while this authorizer lives.
void Authorizer::set_lines_key(const Check& check,
                               const policy::PermitTerms& terms,
                               const http::Authority& host) {
  lines_key_.clear();
  append_raw(lines_key_, terms.generation);
  append_raw(lines_key_, terms.route);
  if (check.identity != nullptr) {
    const session::IdentityVersions& versions = check.identity->versions();
    append_raw(lines_key_, versions.session);
    append_raw(lines_key_, versions.user);
    append_raw(lines_key_, versions.directory_user);
    append_raw(lines_key_, versions.directory_groups);
    append_raw(lines_key_, check.identity->as_of().server_version);
    lines_key_.append(check.identity->session_id());
  }
  lines_key_.push_back('\n');
  lines_key_.append(host.host());
}

IdentityText Authorizer::make_lines(const Check& check,
                                    const config::RouteSettings& route,
                                    const http::Authority& host) {
  ++assertions_signed_;
  return identity_text(
      {.identity = check.identity.get(), .host = host.host(), .rules = route.assertion},
      route,
      parts_.signing_keys.active(),
      parts_.core.clock().wall(),
      parts_.entropy);
}

std::string Authorizer::sign_assertion(const AssertionSubject& subject) {
  ++assertions_signed_;
  return Assertion(subject, parts_.core.clock().wall(), parts_.entropy)
      .sign(parts_.signing_keys.active());
}

IdentityLines Authorizer::identity_lines(const Check& check,
                                         const config::RouteSettings& route,
                                         const policy::PermitTerms& terms,
                                         const http::Authority& host) {
  if (!tells_identity(route)) {
    return {};
  }
  if (route.assertion_reuse == config::AssertionReuse::PerRequest) {
    lines_of_one_request_ = make_lines(check, route, host);
    return lines_of_one_request_.view();
  }
  set_lines_key(check, terms, host);
  const WallTime now = parts_.core.clock().wall();
  KnownLines* known = known_lines_.find(lines_key_);
  if (known == nullptr) {
    known = &known_lines_.insert(lines_key_, {}, [](std::string_view, KnownLines&) {});
  }
  // A clock that was set back must not stretch the life of what was signed before.
  if (now >= known->sign_again_at || now + kAssertionLifetime < known->sign_again_at) {
    known->lines = make_lines(check, route, host);
    known->sign_again_at = now + kAssertionLifetime / 2;
  }
  return known->lines.view();
}

}  // namespace vallum::authorize
