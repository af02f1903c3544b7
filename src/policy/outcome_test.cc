#include "policy/outcome.h"

#include <gtest/gtest.h>

namespace vallum::policy {
namespace {

Decision decision(bool allow, ReasonSet allow_reasons, bool deny, ReasonSet deny_reasons) {
  return {.allow = {.value = allow, .reasons = allow_reasons, .device_type = {}},
          .deny = {.value = deny, .reasons = deny_reasons, .device_type = {}}};
}

Outcome outcome(bool allow, ReasonSet allow_reasons, bool deny, ReasonSet deny_reasons) {
  return outcome_of(decision(allow, allow_reasons, deny, deny_reasons), {});
}

TEST(OutcomeTest, AllowedNeedsAllowWithoutDeny) {
  EXPECT_EQ(outcome(true, {Reason::EmailOk}, false, {}), Outcome::Allowed);
  EXPECT_EQ(outcome(true, {Reason::EmailOk}, true, {Reason::SourceIpOk}), Outcome::Forbidden);
  EXPECT_EQ(outcome(false, {Reason::EmailUnauthorized}, false, {}), Outcome::Forbidden);
  EXPECT_EQ(outcome(false, {}, false, {}), Outcome::Forbidden);
}

TEST(OutcomeTest, ABadCertificateOutranksSignInEvenWhenDenyIsFalse) {
  EXPECT_EQ(
      outcome(false, {Reason::UserUnauthenticated}, true, {Reason::ClientCertificateRequired}),
      Outcome::CertificateRequired);
  EXPECT_EQ(outcome(true, {Reason::Accept}, false, {Reason::InvalidClientCertificate}),
            Outcome::CertificateRequired);
}

TEST(OutcomeTest, CertificateReasonsOfAllowAreNotARefusedCertificate) {
  EXPECT_EQ(outcome(true, {Reason::InvalidClientCertificate}, false, {}), Outcome::Allowed);
  EXPECT_EQ(outcome(false, {Reason::ClientCertificateRequired}, false, {}),
            Outcome::CertificateRequired);
}

// Traps 6 and 7 of the policy specification, section 11.
TEST(OutcomeTest, AnUnknownUserAnywhereMeansSignIn) {
  EXPECT_EQ(outcome(true, {Reason::UserUnauthenticated}, false, {}), Outcome::Login);
  EXPECT_EQ(outcome(true, {Reason::Accept}, false, {Reason::UserUnauthenticated}), Outcome::Login);
  EXPECT_EQ(outcome(true, {Reason::Accept}, true, {Reason::UserUnauthenticated}), Outcome::Login);
}

TEST(OutcomeTest, AnUnknownDeviceAnywhereMeansEnrolmentOnceTheUserIsKnown) {
  EXPECT_EQ(outcome(true, {Reason::Accept}, false, {Reason::DeviceUnauthenticated}),
            Outcome::DeviceEnroll);
  EXPECT_EQ(outcome(false, {Reason::DeviceUnauthenticated, Reason::UserUnauthenticated}, false, {}),
            Outcome::Login);
}

TEST(OutcomeTest, AKnownDeviceThatIsNotGoodEnoughIsNamed) {
  EXPECT_EQ(outcome(false, {Reason::DeviceUnauthorized}, false, {}), Outcome::DeviceRefused);
  EXPECT_EQ(outcome(true, {Reason::Accept}, true, {Reason::DeviceUnauthorized}),
            Outcome::DeviceRefused);
}

TEST(OutcomeTest, NoRouteIsNotFound) {
  EXPECT_EQ(outcome_of(Decision::route_not_found(), {}), Outcome::RouteNotFound);
}

TEST(OutcomeTest, ToolServersAreAnsweredInTheirProtocol) {
  const Decision refused = decision(true, {Reason::Accept}, true, {Reason::McpToolMatch});

  EXPECT_EQ(outcome_of(refused, {.is_mcp_route = true, .has_mcp_method = true}), Outcome::McpError);
  EXPECT_EQ(outcome_of(refused, {.is_mcp_route = true, .has_mcp_method = false}),
            Outcome::McpUnauthorized);
}

TEST(OutcomeTest, EveryOutcomeHasAName) {
  EXPECT_EQ(to_string(Outcome::Allowed), "allowed");
  EXPECT_EQ(to_string(Outcome::Login), "login");
  EXPECT_EQ(to_string(Outcome::DeviceEnroll), "device-enroll");
  EXPECT_EQ(to_string(Outcome::Forbidden), "forbidden");
  EXPECT_EQ(to_string(Outcome::RouteNotFound), "route-not-found");
  EXPECT_EQ(to_string(Outcome::DeviceRefused), "device-refused");
  EXPECT_EQ(to_string(Outcome::CertificateRequired), "certificate-required");
  EXPECT_EQ(to_string(Outcome::McpError), "mcp-error");
  EXPECT_EQ(to_string(Outcome::McpUnauthorized), "mcp-unauthorized");
}

}  // namespace
}  // namespace vallum::policy
