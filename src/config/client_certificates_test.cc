#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "policy/facts.h"
#include "policy/outcome.h"
#include "support/certificates/test_authority.h"
#include "support/config_fixture.h"

namespace vallum::config {
namespace {

using crypto::ChainFault;
using std::chrono::days;
using std::chrono::hours;
using testing::CertificateWish;
using testing::TestAuthority;

std::string base64(const std::string& text) {
  return codec::encode_base64(as_bytes(text), codec::Base64::Std);
}

std::string routes(const std::string& first, const std::string& second = "") {
  return "routes:\n"
         "  - {from: 'https://a.example', to: 'http://x', allow_public_unauthenticated_access: "
         "true, " +
         first +
         "}\n"
         "  - {from: 'https://b.example', to: 'http://x', allow_public_unauthenticated_access: "
         "true, " +
         second + "}\n";
}

// A root in ca.pem, another in other.pem, and lists of the root in crl.pem.
class ClientCertificatesTest : public ConfigTest {
 protected:
  ClientCertificatesTest() {
    files().put("ca.pem", root_.pem());
    files().put("other.pem", other_.pem());
    files().put("crl.pem", root_.list_pem());
  }

  static ChainFault verdict(const async::Snapshot<crypto::ClientAuthorities>& authorities,
                            const TestAuthority& leaf) {
    return authorities->verify(*crypto::PresentedChain::read(leaf.pem()), kNow).fault;
  }
  // The first of them, without the sentence that says where.
  std::string warned(const std::string& text) const {
    const Lines lines = warnings(load(text));
    return lines.empty() ? "" : lines.front();
  }
  static policy::Outcome outcome(const RouteSettings& route, policy::CertificateVerdict verdict) {
    policy::Facts facts;
    facts.certificate_verdict = verdict;
    return policy::outcome_of(policy::decide(route.program, facts), {});
  }

  TestAuthority root_{"Root", kNow};
  TestAuthority other_{"Other", kNow};
};

TEST_F(ClientCertificatesTest, AFileAndInlineTextMeanTheSame) {
  const Settings file = accepted("downstream_mtls: {ca_file: ca.pem}\n" + routes(""));
  const Settings text =
      accepted("downstream_mtls: {ca: '" + base64(root_.pem()) + "'}\n" + routes(""));

  ASSERT_NE(file.client_certificates.authorities, nullptr);
  ASSERT_NE(text.client_certificates.authorities, nullptr);
  EXPECT_EQ(file.client_certificates.authorities->digest(),
            text.client_certificates.authorities->digest());
  EXPECT_EQ(verdict(file.routes[0].client_authorities, root_.issue()), ChainFault::None);
  EXPECT_EQ(file.client_certificates.enforcement, Enforcement::PolicyWithDefaultDeny);
  EXPECT_EQ(file.referenced_files, std::vector<std::string>{"ca.pem"});
}

TEST_F(ClientCertificatesTest, EveryKeyOfTheBlockCounts) {
  const TestAuthority middle = root_.issue_authority("Middle");
  const TestAuthority good = middle.issue(CertificateWish().named("DNS:good.example"));
  const TestAuthority revoked = root_.issue(CertificateWish().named("DNS:good.example"));
  files().put("crl.pem", root_.list_pem({.revoked = {revoked.serial()}}));

  const Settings settings = accepted(
      "downstream_mtls:\n  ca_file: ca.pem\n  crl_file: crl.pem\n  max_verify_depth: 2\n"
      "  enforcement: reject_connection\n"
      "  match_subject_alt_names: [{DNS: 'good\\.example'}, {user_principal_name: x}]\n" +
      routes(""));

  const crypto::ClientAuthorities& all = *settings.client_certificates.all;
  EXPECT_EQ(settings.client_certificates.enforcement, Enforcement::RejectConnection);
  EXPECT_EQ(all.verify(*crypto::PresentedChain::read(good.pem() + middle.pem()), kNow).fault,
            ChainFault::None);
  EXPECT_EQ(verdict(settings.client_certificates.all, revoked), ChainFault::Revoked);
  EXPECT_EQ(verdict(settings.client_certificates.all, root_.issue()), ChainFault::NameNotAccepted);
  EXPECT_EQ(accepted("downstream_mtls: {enforcement: policy}").client_certificates.enforcement,
            Enforcement::Policy);
}

// Trap 33: a route's authorities take the place of the global ones; a handshake asks for all.
TEST_F(ClientCertificatesTest, ARoutesAuthoritiesReplaceTheGlobalOnes) {
  const Settings settings =
      accepted("downstream_mtls: {ca_file: ca.pem}\n" +
               routes("tls_downstream_client_ca_file: other.pem, tls_downstream_client_ca: '" +
                      base64(root_.pem()) + "'"));

  const RouteSettings& own = settings.routes[0];
  EXPECT_EQ(verdict(own.client_authorities, root_.issue()), ChainFault::NotTrusted);
  EXPECT_EQ(verdict(own.client_authorities, other_.issue()), ChainFault::None)
      << "the file wins over the inline text";
  EXPECT_EQ(settings.routes[1].client_authorities, settings.client_certificates.authorities);
  EXPECT_EQ(settings.client_certificates.all->certificates().size(), 2U);
}

TEST_F(ClientCertificatesTest, RoutesThatNameTheSameAuthoritiesShareThem) {
  const std::string own = "tls_downstream_client_ca_file: other.pem";
  const Settings settings = accepted(routes(own, own));
  EXPECT_NE(settings.routes[0].client_authorities, nullptr);
  EXPECT_EQ(settings.routes[0].client_authorities, settings.routes[1].client_authorities);
  EXPECT_EQ(settings.client_certificates.authorities, nullptr);
}

TEST_F(ClientCertificatesTest, WithoutAnAuthorityNobodyIsAsked) {
  const std::string text = "downstream_mtls: {enforcement: reject_connection}\n" + routes("");
  const Settings settings = accepted(text);
  EXPECT_EQ(settings.client_certificates.all, nullptr);
  EXPECT_EQ(settings.routes[0].client_authorities, nullptr);
  EXPECT_EQ(warned(text),
            "c.yaml:1:1: downstream_mtls: has no effect: no client is asked for a certificate; "
            "write ca or ca_file");
}

// The default rule stands on every route once anybody is asked for a certificate.
TEST_F(ClientCertificatesTest, TheDefaultDenyDependsOnTheEnforcement) {
  using enum policy::CertificateVerdict;
  const std::string own = routes("tls_downstream_client_ca_file: other.pem");
  for (const auto& [mode, denies] : {std::pair("policy_with_default_deny", true),
                                     std::pair("reject_connection", true),
                                     std::pair("policy", false)}) {
    const Settings settings =
        accepted("downstream_mtls: {enforcement: " + std::string(mode) + "}\n" + own);
    for (const RouteSettings& route : settings.routes) {
      const policy::Outcome expected =
          denies ? policy::Outcome::CertificateRequired : policy::Outcome::Allowed;
      EXPECT_EQ(outcome(route, NotPresented), expected) << mode;
      EXPECT_EQ(outcome(route, Invalid), expected) << mode;
      EXPECT_EQ(outcome(route, Valid), policy::Outcome::Allowed) << mode;
    }
  }
  EXPECT_EQ(outcome(accepted(routes("")).routes[0], Invalid), policy::Outcome::Allowed);
}

TEST_F(ClientCertificatesTest, PoliciesMayAskAboutCertificates) {
  const Settings settings = accepted(
      "downstream_mtls: {ca_file: ca.pem, enforcement: policy}\n"
      "routes:\n  - from: https://a.example\n    to: http://x\n    policy:\n"
      "      - allow: {and: [{client_certificate: {san_dns: {is: good.example}}}]}\n"
      "        deny: {or: [{invalid_client_certificate: true}]}\n");
  EXPECT_EQ(outcome(settings.routes[0], policy::CertificateVerdict::Invalid),
            policy::Outcome::CertificateRequired);
}

TEST_F(ClientCertificatesTest, EveryMistakeIsNamedWithItsPlace) {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::string block = "downstream_mtls:\n  ";
  const std::string with_ca = block + "ca_file: ca.pem\n  ";
  files().put("cut.pem", root_.pem().substr(0, 100));
  files().put("none.pem", "hello");
  files().put("forged.pem", TestAuthority("Root", kNow).list_pem());
  for (const Case& each : {
           Case{block + "ca: '*'", "2:3: downstream_mtls.ca: is not base64 of PEM text"},
           Case{block + "ca_file: gone.pem",
                "2:3: downstream_mtls.ca_file: cannot read gone.pem: No such file or directory"},
           Case{block + "ca_file: cut.pem",
                "2:3: downstream_mtls.ca_file: certificate: cannot be decoded"},
           Case{block + "ca_file: none.pem",
                "2:3: downstream_mtls.ca_file: certificate: no PEM block CERTIFICATE; write the "
                "certificates of authorities as PEM blocks CERTIFICATE"},
           Case{with_ca + "ca: eA==",
                "2:3: downstream_mtls: cannot set both ca and ca_file; remove one of them"},
           Case{with_ca + "crl_file: ca.pem",
                "3:3: downstream_mtls.crl_file: no PEM block X509 CRL; write PEM blocks X509 CRL: "
                "openssl crl -inform DER -in FILE"},
           Case{with_ca + "crl_file: forged.pem",
                "3:3: downstream_mtls.crl_file: the list of \"CN=Root\" is not signed by the "
                "authority of that name: everybody would be refused; write the list that belongs "
                "to the authority"},
           Case{
               with_ca + "match_subject_alt_names: [{dns: '('}]",
               "3:35: downstream_mtls.match_subject_alt_names: not a pattern of RE2: missing ): ("},
           Case{with_ca + "match_subject_alt_names: [{rid: x}]",
                "3:29: downstream_mtls.match_subject_alt_names: \"rid\" is not a type of name; "
                "write {TYPE: PATTERN} with dns, email, ip_address, uri or user_principal_name"},
           Case{with_ca + "match_subject_alt_names: [{dns: x, uri: y}]",
                "3:29: downstream_mtls.match_subject_alt_names: each entry has one type and its "
                "pattern; write {TYPE: PATTERN} with dns, email, ip_address, uri or "
                "user_principal_name"},
           Case{with_ca + "match_subject_alt_names: x",
                "3:28: downstream_mtls.match_subject_alt_names: a string is not a list of names; "
                "write a list of {TYPE: PATTERN}"},
           Case{"downstream_mtls: x", "1:18: downstream_mtls: a string is not a mapping"},
           Case{with_ca + "max_verify_depth: deep", "3:21: downstream_mtls.max_verify_depth: "},
       }) {
    const Lines errors = refused(each.text);
    ASSERT_EQ(errors.size(), 1U) << each.text;
    EXPECT_TRUE(errors.front().starts_with("c.yaml:" + each.error)) << errors.front();
  }
  EXPECT_EQ(refused(routes("tls_downstream_client_ca: x")),
            (Lines{"c.yaml:2:92: routes[0].tls_downstream_client_ca: is not base64 of PEM text"}));
}

TEST_F(ClientCertificatesTest, WhatWillRefuseEverybodyIsNamed) {
  const std::string with_ca = "downstream_mtls:\n  ca_file: ca.pem\n";
  files().put("old.pem", TestAuthority("Old", kNow - days(9000)).pem());
  files().put("leaf.pem", root_.issue().pem());
  files().put("stale.pem", root_.list_pem({.begins = -days(9), .ends = -days(2)}));
  files().put("early.pem", root_.list_pem({.begins = hours(1)}));
  files().put("stranger.pem", other_.list_pem());
  files().put("twice.pem", root_.list_pem() + root_.list_pem());
  files().put("empty.pem", "\n");

  EXPECT_EQ(warned("downstream_mtls: {ca_file: old.pem}"),
            "c.yaml:1:19: downstream_mtls.ca_file: the authority \"Old\" has expired and vouches "
            "for nobody; replace it, or take it out");
  EXPECT_EQ(warned("downstream_mtls: {ca_file: leaf.pem}"),
            "c.yaml:1:19: downstream_mtls.ca_file: the authority \"alice\" is no authority and "
            "vouches only for itself; write the certificate that signed it");
  const std::string place = "c.yaml:3:3: downstream_mtls.crl_file: ";
  EXPECT_EQ(warned(with_ca + "  crl_file: stale.pem"),
            place +
                "the list of \"CN=Root\" is out of date: everybody below its issuer is "
                "refused; write the current list");
  EXPECT_EQ(warned(with_ca + "  crl_file: early.pem"),
            place +
                "the list of \"CN=Root\" is not valid yet: everybody below its issuer is "
                "refused");
  EXPECT_EQ(warned(with_ca + "  crl_file: stranger.pem"),
            place +
                "the list of \"CN=Other\" is of no configured authority: it counts only for "
                "authorities that clients present; take it out unless clients present that "
                "authority");
  EXPECT_EQ(warned(with_ca + "  crl_file: twice.pem"),
            place + "the list of \"CN=Root\" is there more than once: the last one counts");
  EXPECT_EQ(warned(with_ca + "  crl_file: empty.pem"), place + "is empty, so nothing is revoked");
  EXPECT_EQ(warned(with_ca + "  crl_file: crl.pem"), "");
}

TEST_F(ClientCertificatesTest, TheEnvironmentReachesIntoTheBlock) {
  set_environment({{"DOWNSTREAM_MTLS_CA_FILE", "other.pem"},
                   {"DOWNSTREAM_MTLS_ENFORCEMENT", "REJECT_CONNECTION"}});
  const Settings settings = accepted("downstream_mtls: {ca_file: ca.pem}\n" + routes(""));
  EXPECT_EQ(settings.client_certificates.enforcement, Enforcement::RejectConnection);
  EXPECT_EQ(verdict(settings.client_certificates.all, other_.issue()), ChainFault::None);
}

}  // namespace
}  // namespace vallum::config
