#include "authorize/client_certificate.h"

#include <string>

#include <gtest/gtest.h>

#include "support/certificates/test_authority.h"
#include "support/virtual_clock.h"

namespace vallum::authorize {
namespace {

using crypto::ChainFault;
using std::chrono::days;
using std::chrono::seconds;
using testing::CertificateWish;
using testing::ListWish;
using testing::TestAuthority;

class CertificateVerdictsTest : public ::testing::Test {
 protected:
  static ClientCertificate certificate(const TestAuthority& leaf) {
    return ClientCertificate(*crypto::PresentedChain::read(leaf.pem()));
  }
  crypto::ClientAuthorities authorities(const ListWish& wish) const {
    const std::string pem = root_.pem();
    const std::string_view bundle = pem;
    const crypto::RevocationLists lists = *crypto::RevocationLists::read(root_.list_pem(wish));
    return *crypto::ClientAuthorities::make(std::span(&bundle, 1), {.lists = &lists});
  }
  ChainFault ask(const ClientCertificate& certificate) {
    return verdicts_.fault_of(certificate, authorities_, clock_.wall());
  }

  testing::VirtualClock clock_;
  TestAuthority root_{"Root", clock_.wall()};
  crypto::ClientAuthorities authorities_ = authorities({.ends = days(30)});
  CertificateVerdicts verdicts_;
};

TEST_F(CertificateVerdictsTest, AWarmVerdictVerifiesNothing) {
  const TestAuthority leaf = root_.issue();
  const ClientCertificate first = certificate(leaf);
  const ClientCertificate of_another_connection = certificate(leaf);

  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(first), ChainFault::None);
    EXPECT_EQ(ask(of_another_connection), ChainFault::None);
  }

  EXPECT_EQ(verdicts_.verifications(), 1U);
}

// Trap 38: the reference keeps a verdict without asking what time it is.
TEST_F(CertificateVerdictsTest, AKeptVerdictEndsWithTheCertificate) {
  const ClientCertificate leaf = certificate(root_.issue({.ends = days(2)}));
  EXPECT_EQ(ask(leaf), ChainFault::None);

  clock_.advance(days(2));
  EXPECT_EQ(ask(leaf), ChainFault::None) << "its last second";
  clock_.advance(seconds(1));
  EXPECT_EQ(ask(leaf), ChainFault::Expired);
}

TEST_F(CertificateVerdictsTest, AKeptVerdictEndsWithTheRevocationList) {
  const ClientCertificate leaf = certificate(root_.issue());
  EXPECT_EQ(ask(leaf), ChainFault::None);

  clock_.advance(days(30) + seconds(1));

  EXPECT_EQ(ask(leaf), ChainFault::ListStale);
}

TEST_F(CertificateVerdictsTest, ARefusalIsLookedAtAgain) {
  const ClientCertificate early = certificate(root_.issue({.begins = seconds(90)}));
  EXPECT_EQ(ask(early), ChainFault::NotYetValid);
  EXPECT_EQ(ask(early), ChainFault::NotYetValid);
  EXPECT_EQ(verdicts_.verifications(), 1U);

  clock_.advance(seconds(90));

  EXPECT_EQ(ask(early), ChainFault::None);
}

TEST_F(CertificateVerdictsTest, AClockThatWasSetBackIsNotDeceived) {
  const ClientCertificate leaf = certificate(root_.issue({.begins = -seconds(10)}));
  EXPECT_EQ(ask(leaf), ChainFault::None);

  clock_.jump_wall(-seconds(20));

  EXPECT_EQ(ask(leaf), ChainFault::NotYetValid);
}

TEST_F(CertificateVerdictsTest, OtherAuthoritiesAreAskedForTheirOwnVerdict) {
  const TestAuthority leaf = root_.issue();
  const ClientCertificate shown = certificate(leaf);
  EXPECT_EQ(ask(shown), ChainFault::None);

  authorities_ = authorities({.revoked = {leaf.serial()}});

  EXPECT_EQ(ask(shown), ChainFault::Revoked);
}

TEST_F(CertificateVerdictsTest, SoManyVerdictsAreKeptAndNoMore) {
  const ClientCertificate first = certificate(root_.issue());
  EXPECT_EQ(ask(first), ChainFault::None);
  for (std::size_t i = 0; i < CertificateVerdicts::kVerdictsMax; ++i) {
    ask(certificate(TestAuthority::self_signed({}, clock_.wall())));
  }
  const std::uint64_t before = verdicts_.verifications();

  EXPECT_EQ(ask(first), ChainFault::None);

  EXPECT_EQ(verdicts_.verifications(), before + 1);
}

TEST(ClientCertificateTest, TellsPoliciesWhatTheLeafSaysOfItself) {
  const testing::VirtualClock clock;
  const TestAuthority root("Root", clock.wall());
  const ClientCertificate shown(*crypto::PresentedChain::read(
      root.issue(CertificateWish().named("DNS:a.example,email:a@example.com,URI:spiffe://x"))
          .pem()));

  ASSERT_NE(shown.leaf(), nullptr);
  EXPECT_EQ(shown.leaf()->fingerprint, shown.chain().fingerprint());
  EXPECT_EQ(shown.leaf()->spki_hash, shown.chain().spki_fingerprint());
  EXPECT_EQ(shown.leaf()->san_dns, std::vector<std::string>{"a.example"});
  EXPECT_EQ(shown.leaf()->san_email, std::vector<std::string>{"a@example.com"});
  EXPECT_EQ(shown.leaf()->san_uri, std::vector<std::string>{"spiffe://x"});
  EXPECT_EQ(shown.fingerprint().size(), 64U);
}

TEST(ClientCertificateTest, ALeafWhoseNamesCannotBeReadTellsPoliciesNothing) {
  const testing::VirtualClock clock;
  CertificateWish wish;
  wish.names_der = "\x30\x7f\x82";
  const TestAuthority root("Root", clock.wall());
  const ClientCertificate shown(*crypto::PresentedChain::read(root.issue(wish).pem()));
  EXPECT_EQ(shown.leaf(), nullptr);
}

}  // namespace
}  // namespace vallum::authorize
