#include "authorize/assertion.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "support/seeded_entropy.h"

namespace vallum::authorize {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1767225600)};

session::IdentityParts alice() {
  session::IdentityParts parts;
  parts.session_id = "s1";
  parts.user_id = "alice";
  parts.user =
      session::UserRecord{.id = "alice", .name = "", .email = "alice@corp.t", .claims = {}};
  parts.directory =
      session::DirectoryUser{.id = "alice",
                             .email = std::nullopt,
                             .display_name = "",
                             .group_ids = codec::parse_json(R"(["admins","a,b"])").value()};
  return parts;
}

class AssertionTest : public ::testing::Test {
 protected:
  IdentityText text_of(const session::JoinedIdentity* identity) {
    return identity_text({.identity = identity, .host = "app.t", .rules = route_.assertion},
                         route_,
                         keys_.active(),
                         kNow,
                         entropy_);
  }
  std::string lines_of(const session::JoinedIdentity* identity) {
    return std::string(text_of(identity).view().lines);
  }
  // The payload, once the signature held under the published keys.
  codec::Node payload_of(std::string_view token) const {
    const auto set = crypto::JwkSet::parse(keys_.jwks());
    const auto jws = crypto::UnverifiedJws::parse(token);
    EXPECT_TRUE(set.has_value() && jws.has_value());
    EXPECT_TRUE(jws->key_id().has_value() && set->contains(*jws->key_id()));
    const auto payload = crypto::verify_jws(*set, {crypto::JwsAlgorithm::Es256}, *jws);
    EXPECT_TRUE(payload.has_value());
    return codec::parse_json(payload.value_or("{}")).value();
  }
  static std::string text(const codec::Node& payload, std::string_view claim) {
    const codec::Node* found = payload.find(claim);
    return found == nullptr ? "(absent)" : found->text();
  }

  testing::SeededEntropy entropy_{1};
  crypto::SigningKeys keys_ =
      crypto::SigningKeys::derive(Secret("0123456789abcdef0123456789abcdef"));
  config::RouteSettings route_;
  session::JoinedIdentity alice_{alice()};
};

// Covers HDR-26.
TEST_F(AssertionTest, LivesFiveMinutesUnderAKeyThatIsPublishedAndAnIdOfItsOwn) {
  route_.sends_assertion = true;

  const IdentityText first = text_of(&alice_);
  const IdentityText second = text_of(&alice_);

  const codec::Node payload = payload_of(first.view().assertion);
  EXPECT_EQ(text(payload, "iat"), "1767225600");
  EXPECT_EQ(text(payload, "exp"), "1767225900");
  EXPECT_NE(text(payload, "jti"), text(payload_of(second.view().assertion), "jti"));
  EXPECT_EQ(text(payload, "jti").size(), 36U);
}

// Covers HDR-25.
TEST_F(AssertionTest, IsForTheHostThatWasAskedForAlone) {
  route_.sends_assertion = true;
  const codec::Node payload = payload_of(text_of(&alice_).view().assertion);
  EXPECT_EQ(text(payload, "aud"), "app.t");
  EXPECT_EQ(text(payload, "iss"), "app.t");

  route_.assertion.issuer_format = config::IssuerFormat::Uri;
  EXPECT_EQ(text(payload_of(text_of(&alice_).view().assertion), "iss"), "https://app.t/");
}

TEST_F(AssertionTest, AHeaderOfAClaimSaysWhatTheAssertionSays) {
  route_.sends_assertion = true;
  route_.pass_identity_headers = true;
  for (const char* claim : {"iss", "aud", "jti", "iat", "exp", "email", "missing"}) {
    route_.claim_headers.push_back({.header = std::string("x-") + claim, .claim = claim});
  }

  const IdentityText made = text_of(&alice_);

  const codec::Node payload = payload_of(made.view().assertion);
  for (const char* claim : {"iss", "aud", "jti", "iat", "exp", "email"}) {
    const std::string line = std::string("x-") + claim + ": " + text(payload, claim) + "\r\n";
    EXPECT_TRUE(made.view().lines.contains(line)) << line << made.view().lines;
  }
  EXPECT_TRUE(made.view().lines.ends_with("x-missing: \r\n"));
}

TEST_F(AssertionTest, CanBeReferredToWithoutBeingSent) {
  route_.needs_assertion = true;

  const IdentityText made = text_of(&alice_);

  EXPECT_EQ(text(payload_of(made.view().assertion), "sub"), "alice");
  EXPECT_EQ(made.view().lines, "");
  EXPECT_TRUE(tells_identity(route_));
  EXPECT_FALSE(tells_identity(config::RouteSettings()));
}

TEST_F(AssertionTest, KubernetesIsToldWhomToImpersonateOneGroupPerLine) {
  route_.is_kubernetes = true;
  route_.kubernetes_token = Secret("t0ken");

  EXPECT_EQ(lines_of(&alice_),
            "Authorization: Bearer t0ken\r\nImpersonate-User: alice@corp.t\r\n"
            "Impersonate-Group: admins\r\nImpersonate-Group: a,b\r\n");
}

TEST_F(AssertionTest, TheServiceAccountIsNeverLentToWhoHasNoName) {
  route_.is_kubernetes = true;
  route_.kubernetes_token = Secret("t0ken");
  EXPECT_EQ(lines_of(nullptr), "");

  for (const char* email : {"", " root", "root ", "a\r\nImpersonate-User: root", "a\tb\x01"}) {
    session::IdentityParts parts = alice();
    parts.directory->email = email;
    const session::JoinedIdentity identity(std::move(parts));
    EXPECT_EQ(lines_of(&identity), "") << email;
  }
}

TEST_F(AssertionTest, AGroupThatWouldArriveAsAnotherIsLeftOut) {
  route_.is_kubernetes = true;
  session::IdentityParts parts = alice();
  parts.directory->group_ids =
      codec::parse_json(R"([" admins","admins ","","x\r\nImpersonate-Group: admins","ok"])")
          .value();
  const session::JoinedIdentity identity(std::move(parts));

  EXPECT_EQ(lines_of(&identity), "Impersonate-User: alice@corp.t\r\nImpersonate-Group: ok\r\n");
}

TEST_F(AssertionTest, TheRoutingKeyIsOfTheSessionAndNotOfStrangers) {
  route_.sends_routing_key = true;

  EXPECT_EQ(lines_of(&alice_),
            "X-Pomerium-Routing-Key: "
            "e8bc163c82eee18733288c7d4ac636db3a6deb013ef2d37b68322be20edc45cc\r\n");
  EXPECT_EQ(lines_of(nullptr), "");
}

}  // namespace
}  // namespace vallum::authorize
