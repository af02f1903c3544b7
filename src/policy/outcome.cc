#include "policy/outcome.h"

namespace vallum::policy {

namespace {

constexpr ReasonSet kCertificateReasons{Reason::ClientCertificateRequired,
                                        Reason::InvalidClientCertificate};

Outcome denied(ReasonSet reasons, OutcomeContext context) {
  if (reasons.contains(Reason::DeviceUnauthenticated)) {
    return Outcome::DeviceEnroll;
  }
  if (reasons.contains(Reason::DeviceUnauthorized)) {
    return Outcome::DeviceRefused;
  }
  if (reasons.contains(Reason::RouteNotFound)) {
    return Outcome::RouteNotFound;
  }
  if (reasons.intersects(kCertificateReasons)) {
    return Outcome::CertificateRequired;
  }
  if (context.has_mcp_method) {
    return Outcome::McpError;
  }
  return context.is_mcp_route ? Outcome::McpUnauthorized : Outcome::Forbidden;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::Allowed:
      return "allowed";
    case Outcome::Login:
      return "login";
    case Outcome::DeviceEnroll:
      return "device-enroll";
    case Outcome::Forbidden:
      return "forbidden";
    case Outcome::RouteNotFound:
      return "route-not-found";
    case Outcome::DeviceRefused:
      return "device-refused";
    case Outcome::CertificateRequired:
      return "certificate-required";
    case Outcome::McpError:
      return "mcp-error";
    case Outcome::McpUnauthorized:
      break;
  }
  return "mcp-unauthorized";
}

Outcome outcome_of(const Decision& decision, OutcomeContext context) {
  const ReasonSet all = decision.allow.reasons | decision.deny.reasons;
  if (decision.deny.reasons.intersects(kCertificateReasons)) {
    return denied(decision.deny.reasons, context);
  }
  if (all.contains(Reason::UserUnauthenticated)) {
    return Outcome::Login;
  }
  if (all.contains(Reason::DeviceUnauthenticated)) {
    return Outcome::DeviceEnroll;
  }
  if (decision.deny.value) {
    return denied(decision.deny.reasons, context);
  }
  if (decision.allow.value) {
    return Outcome::Allowed;
  }
  return denied(decision.allow.reasons, context);
}

}  // namespace vallum::policy
