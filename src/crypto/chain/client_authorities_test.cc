#include "crypto/chain/client_authorities.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/certificates/test_authority.h"
#include "support/virtual_clock.h"

namespace vallum::crypto {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using testing::CertificateWish;
using testing::ListWish;
using testing::TestAuthority;

// One root, and verdicts of authorities that trust it under different rules.
class ClientAuthoritiesTest : public ::testing::Test {
 protected:
  struct Trust {
    std::string authorities;
    std::string lists = {};
    std::vector<NamePattern> names = {};
    std::uint32_t depth_max = 1;
  };

  WallTime now() const { return clock_.wall(); }

  static ClientAuthorities make(const Trust& trust) {
    const RevocationLists lists = *RevocationLists::read(trust.lists);
    const std::string_view bundle = trust.authorities;
    return *ClientAuthorities::make(
        std::span(&bundle, 1),
        {.lists = &lists, .names = trust.names, .depth_max = trust.depth_max});
  }
  static PresentedChain chain(const std::string& pem) { return *PresentedChain::read(pem); }

  ChainFault fault_at(const Trust& trust, const std::string& presented, WallTime at) const {
    return make(trust).verify(chain(presented), at).fault;
  }
  ChainFault fault(const Trust& trust, const std::string& presented) const {
    return fault_at(trust, presented, now());
  }
  // Under the root alone.
  ChainFault fault(const std::string& presented) const {
    return fault(Trust{.authorities = root_.pem()}, presented);
  }

  testing::VirtualClock clock_;
  TestAuthority root_{"Root", clock_.wall()};
};

TEST_F(ClientAuthoritiesTest, ALeafOfTheAuthorityIsTrusted) {
  EXPECT_EQ(fault(root_.issue().pem()), ChainFault::None);
}

TEST_F(ClientAuthoritiesTest, AnotherAuthorityOfTheSameNameVouchesForNobody) {
  const TestAuthority other("Root", now());
  EXPECT_EQ(fault(other.issue().pem()), ChainFault::NotTrusted);
  EXPECT_EQ(fault(other.issue().pem() + other.pem()), ChainFault::NotTrusted);
}

TEST_F(ClientAuthoritiesTest, ALeafThatSignsItselfIsTrustedByNobody) {
  const TestAuthority self = TestAuthority::self_signed({}, now());
  EXPECT_EQ(fault(self.pem()), ChainFault::NotTrusted);
  CertificateWish as_root;
  as_root.common_name = "Root";
  EXPECT_EQ(fault(TestAuthority::self_signed(as_root, now()).pem()), ChainFault::NotTrusted);
}

TEST_F(ClientAuthoritiesTest, DatesAreLookedAtWhenTheQuestionIsAsked) {
  const std::string leaf = root_.issue({.begins = hours(1), .ends = days(2)}).pem();
  const Trust trust{.authorities = root_.pem()};

  EXPECT_EQ(fault_at(trust, leaf, now()), ChainFault::NotYetValid);
  EXPECT_EQ(fault_at(trust, leaf, now() + hours(2)), ChainFault::None);
  EXPECT_EQ(fault_at(trust, leaf, now() + days(3)), ChainFault::Expired);
  EXPECT_EQ(fault_at(trust, root_.issue({.ends = days(9999)}).pem(), now() + days(4000)),
            ChainFault::Expired)
      << "the authority's own end";
}

// Trap 36: an extended key usage without clientAuth is invalid, and none at all is not.
TEST_F(ClientAuthoritiesTest, AnExtendedKeyUsageMustAllowClientsOnEveryLevel) {
  CertificateWish wish;
  wish.extensions = {{"basicConstraints", "CA:FALSE"}, {"extendedKeyUsage", "serverAuth"}};
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::WrongUse);
  wish.extensions.back().second = "serverAuth,anyExtendedKeyUsage";
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::None);
  wish.extensions.pop_back();
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::None);
  wish.extensions.emplace_back("keyUsage", "keyEncipherment");
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::WrongUse);

  const TestAuthority servers =
      root_.issue_authority("Servers", "CA:TRUE", {{"extendedKeyUsage", "serverAuth"}});
  EXPECT_EQ(
      fault({.authorities = root_.pem(), .depth_max = 2}, servers.issue().pem() + servers.pem()),
      ChainFault::WrongUse);
}

// Trap 35: one certificate above the leaf is the default; the leaf is not counted.
TEST_F(ClientAuthoritiesTest, TheDepthCountsTheCertificatesAboveTheLeaf) {
  const TestAuthority middle = root_.issue_authority("Middle");
  const TestAuthority low = middle.issue_authority("Low");
  const std::string two = middle.issue().pem() + middle.pem();
  const std::string three = low.issue().pem() + low.pem() + middle.pem();
  const auto with_depth = [&](std::uint32_t depth) {
    return Trust{.authorities = root_.pem(), .depth_max = depth};
  };

  EXPECT_EQ(fault(with_depth(1), two), ChainFault::TooDeep);
  EXPECT_EQ(fault(with_depth(2), two), ChainFault::None);
  EXPECT_EQ(fault(with_depth(2), three), ChainFault::TooDeep);
  EXPECT_EQ(fault(with_depth(3), three), ChainFault::None);
  EXPECT_EQ(fault(with_depth(0), three), ChainFault::None);
  EXPECT_EQ(fault({.authorities = root_.pem() + middle.pem()}, two), ChainFault::None)
      << "an authority need not be a root";
}

TEST_F(ClientAuthoritiesTest, ACertificateThatIsAnAuthorityItselfHasNothingAboveIt) {
  const TestAuthority leaf = root_.issue();
  EXPECT_EQ(fault({.authorities = leaf.pem()}, leaf.pem()), ChainFault::None);
  EXPECT_EQ(fault({.authorities = leaf.pem()}, root_.issue().pem()), ChainFault::NotTrusted);
}

TEST_F(ClientAuthoritiesTest, AnEndlessChainEndsAtTheLimit) {
  std::vector<TestAuthority> authorities;
  authorities.push_back(root_.issue_authority("0"));
  std::string pems;
  for (int i = 1; i < 12; ++i) {
    pems.insert(0, authorities.back().pem());
    authorities.push_back(authorities.back().issue_authority(std::to_string(i)));
  }
  pems.insert(0, authorities.back().issue().pem() + authorities.back().pem());

  EXPECT_EQ(fault({.authorities = root_.pem(), .depth_max = 0}, pems), ChainFault::NotTrusted);
}

TEST_F(ClientAuthoritiesTest, ConstraintsOfAnAuthorityHold) {
  const TestAuthority no_more = root_.issue_authority("No more", "critical,CA:TRUE,pathlen:0");
  const TestAuthority below = no_more.issue_authority("Below");
  const TestAuthority not_one = root_.issue();
  const TestAuthority limited = root_.issue_authority(
      "Limited", "CA:TRUE", {{"nameConstraints", "critical,permitted;DNS:good.example"}});
  const Trust deep{.authorities = root_.pem(), .depth_max = 0};

  EXPECT_NE(fault(deep, below.issue().pem() + below.pem() + no_more.pem()), ChainFault::None);
  EXPECT_NE(fault(deep, not_one.issue().pem() + not_one.pem()), ChainFault::None)
      << "a leaf is no authority";
  EXPECT_EQ(
      fault(deep,
            limited.issue(CertificateWish().named("DNS:a.good.example")).pem() + limited.pem()),
      ChainFault::None);
  EXPECT_EQ(
      fault(deep,
            limited.issue(CertificateWish().named("DNS:evil-good.example")).pem() + limited.pem()),
      ChainFault::NameConstraints);
}

TEST_F(ClientAuthoritiesTest, WeakKeysVouchForNothing) {
  const TestAuthority weak = root_.issue({.rsa_bits = 1024});
  EXPECT_EQ(fault(weak.pem()), ChainFault::WeakKey);
}

// Trap 38: the list of every issuer on the way is looked at, not only the leaf's.
TEST_F(ClientAuthoritiesTest, WhatAnyIssuerOnTheWayRevokedIsRefused) {
  const TestAuthority middle = root_.issue_authority("Middle");
  const TestAuthority leaf = middle.issue();
  const std::string presented = leaf.pem() + middle.pem();
  const auto with_lists = [&](const std::string& lists) {
    return Trust{.authorities = root_.pem(), .lists = lists, .depth_max = 2};
  };

  EXPECT_EQ(fault(with_lists(middle.list_pem() + root_.list_pem()), presented), ChainFault::None);
  EXPECT_EQ(fault(with_lists(middle.list_pem({.revoked = {leaf.serial()}})), presented),
            ChainFault::Revoked);
  EXPECT_EQ(fault(with_lists(middle.list_pem() + root_.list_pem({.revoked = {middle.serial()}})),
                  presented),
            ChainFault::Revoked);
  EXPECT_EQ(fault(with_lists(root_.list_pem({.revoked = {leaf.serial()}})), presented),
            ChainFault::None)
      << "a serial number counts for its issuer only";
}

TEST_F(ClientAuthoritiesTest, AnAuthorityThatIsListedItselfMayBeRevokedByTheOneAboveIt) {
  const TestAuthority middle = root_.issue_authority("Middle");

  EXPECT_EQ(fault({.authorities = root_.pem() + middle.pem(),
                   .lists = root_.list_pem({.revoked = {middle.serial()}})},
                  middle.issue().pem()),
            ChainFault::Revoked);
}

TEST_F(ClientAuthoritiesTest, AListThatIsNotOfTodayVouchesForNothing) {
  const std::string leaf = root_.issue().pem();
  const auto with_list = [&](const ListWish& wish) {
    return Trust{.authorities = root_.pem(), .lists = root_.list_pem(wish)};
  };

  EXPECT_EQ(fault(with_list({.begins = -days(9), .ends = -hours(1)}), leaf), ChainFault::ListStale);
  EXPECT_EQ(fault(with_list({.begins = hours(1)}), leaf), ChainFault::ListStale);
  EXPECT_EQ(fault_at(with_list({}), leaf, now() + days(8)), ChainFault::ListStale);
  const TestAuthority revoked = root_.issue();
  EXPECT_EQ(fault(with_list({.revoked = {revoked.serial()}, .begins = -days(9), .ends = -hours(1)}),
                  revoked.pem()),
            ChainFault::Revoked)
      << "what an old list revoked stays revoked";
}

TEST_F(ClientAuthoritiesTest, AListOfSomebodyElseUnderTheSameNameIsNoList) {
  const TestAuthority impostor("Root", now());
  const TestAuthority stranger("Stranger", now());
  const std::string leaf = root_.issue().pem();

  EXPECT_EQ(fault({.authorities = root_.pem(), .lists = impostor.list_pem()}, leaf),
            ChainFault::ListNotVerified);
  EXPECT_EQ(fault({.authorities = root_.pem(), .lists = stranger.list_pem()}, leaf),
            ChainFault::None)
      << "no list of this issuer: nothing is revoked";
}

// At least one way has to keep the rules, whatever is wrong with another.
TEST_F(ClientAuthoritiesTest, ACrossSignedAuthorityIsTrustedOnTheSideThatIsInOrder) {
  const TestAuthority second("Second", now());
  const TestAuthority middle = root_.issue_authority("Middle");
  const TestAuthority cross = middle.signed_by(second);
  const std::string presented = middle.issue().pem() + middle.pem() + cross.pem();
  const Trust trust{.authorities = root_.pem() + second.pem(),
                    .lists = root_.list_pem({.revoked = {middle.serial()}}),
                    .depth_max = 2};

  EXPECT_EQ(fault(trust, presented), ChainFault::None);
  EXPECT_EQ(fault(trust, middle.issue().pem() + middle.pem()), ChainFault::Revoked);
}

TEST_F(ClientAuthoritiesTest, AVerdictHoldsAsLongAsEverythingItRestsOn) {
  const ClientAuthorities authorities =
      make({.authorities = root_.pem(), .lists = root_.list_pem({.ends = days(3)})});

  const ChainVerdict verdict =
      authorities.verify(chain(root_.issue({.ends = days(2)}).pem()), now());
  EXPECT_EQ(verdict.from, now() - hours(1)) << "the list's date";
  EXPECT_EQ(verdict.until, now() + days(2)) << "the leaf's end";
  EXPECT_TRUE(verdict.holds_at(now()));
  EXPECT_FALSE(verdict.holds_at(now() + days(2) + seconds(1)));
  EXPECT_FALSE(verdict.holds_at(now() - hours(2)));

  const ChainVerdict longer = authorities.verify(chain(root_.issue().pem()), now());
  EXPECT_EQ(longer.until, now() + days(3)) << "the list's next date";

  const ChainVerdict refusal =
      authorities.verify(chain(root_.issue({.begins = hours(1)}).pem()), now());
  EXPECT_EQ(refusal.until, now() + ClientAuthorities::kRefusalKept);
}

TEST_F(ClientAuthoritiesTest, DigestsChangeWithWhatTheyAreOf) {
  const TestAuthority other("Other", now());
  const Trust trust{.authorities = root_.pem()};
  Trust repeated{.authorities = other.pem() + root_.pem() + other.pem()};
  Trust ordered{.authorities = root_.pem() + other.pem()};
  Trust with_list{.authorities = root_.pem(), .lists = root_.list_pem()};
  Trust with_name{.authorities = root_.pem(), .names = {{NameType::Dns, "a"}}};
  Trust deeper{.authorities = root_.pem(), .depth_max = 2};

  EXPECT_EQ(make(repeated).digest(), make(ordered).digest());
  for (const Trust& changed : {with_list, with_name, deeper}) {
    EXPECT_NE(make(changed).digest(), make(trust).digest());
    EXPECT_EQ(make(changed).certificates_digest(), make(trust).certificates_digest());
  }
  EXPECT_NE(make(ordered).certificates_digest(), make(trust).certificates_digest());
}

TEST_F(ClientAuthoritiesTest, WhatIsNoAuthorityIsRefusedWithAReason) {
  const auto refused = [](std::string_view text) {
    return std::string(ClientAuthorities::make(std::span(&text, 1), {}).error().message());
  };
  EXPECT_EQ(refused(""), "certificate: no PEM block CERTIFICATE");
  EXPECT_EQ(refused(root_.key_pem()), "certificate: no PEM block CERTIFICATE");
  std::string broken = root_.pem();
  broken.replace(broken.size() / 2, 8, "********");
  EXPECT_TRUE(refused(broken).starts_with("certificate: cannot be decoded"));
}

TEST_F(ClientAuthoritiesTest, EveryFaultHasAName) {
  EXPECT_EQ(to_string(ChainFault::None), "none");
  EXPECT_EQ(to_string(ChainFault::Malformed), "malformed");
  EXPECT_EQ(to_string(ChainFault::ListStale), "list-stale");
  EXPECT_EQ(describe(ChainFault::Revoked), "it, or one above it, was revoked");
}

// What a leaf may call itself, and whether that is accepted.
class AcceptedNamesTest : public ClientAuthoritiesTest {
 protected:
  // `san` as OpenSSL's configuration writes it.
  bool accepted(const std::vector<NamePattern>& patterns, const std::string& san) const {
    const std::string leaf = root_.issue(CertificateWish().named(san)).pem();
    return fault({.authorities = root_.pem(), .names = patterns}, leaf) == ChainFault::None;
  }
};

TEST_F(AcceptedNamesTest, OneNameOfAListedTypeIsEnough) {
  const std::vector<NamePattern> patterns = {{NameType::Email, ".*@example\\.com"},
                                             {NameType::Dns, "[a-z]+\\.good\\.example"},
                                             {NameType::Uri, "spiffe://td/.*"},
                                             {NameType::IpAddress, "10\\.0\\.0\\.\\d+|2001:db8::1"},
                                             {NameType::UserPrincipal, "alice@ad\\.example"}};

  for (const char* san : {"email:alice@example.com",
                          "DNS:a.good.example",
                          "DNS:bad,URI:spiffe://td/x",
                          "IP:10.0.0.7",
                          "IP:2001:DB8:0:0:0:0:0:1",
                          "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@ad.example"}) {
    EXPECT_TRUE(accepted(patterns, san)) << san;
  }
  for (const char* san : {"email:alice@example.org",
                          "DNS:alice@example.com",
                          "URI:a.good.example",
                          "email:a.good.example",
                          "IP:10.0.1.7",
                          "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:bob@ad.example",
                          "otherName:1.3.6.1.4.1.311.20.2.4;UTF8:alice@ad.example",
                          "RID:1.2.3"}) {
    EXPECT_FALSE(accepted(patterns, san)) << san;
  }
}

TEST_F(AcceptedNamesTest, ACertificateWithoutNamesFitsNoPattern) {
  EXPECT_EQ(fault({.authorities = root_.pem(), .names = {{NameType::Dns, ".*"}}},
                  root_.issue({.common_name = "a.good.example"}).pem()),
            ChainFault::NameNotAccepted);
}

// Trap 37: every pattern of a type is anchored at both ends, not only the first and the last.
TEST_F(AcceptedNamesTest, EveryPatternIsAnchoredAtBothEnds) {
  const std::vector<NamePattern> three = {{NameType::Dns, "a\\.example"},
                                          {NameType::Dns, "good\\.example\\.com"},
                                          {NameType::Dns, "c\\.example|d\\.example"}};

  for (const char* name : {"a.example", "good.example.com", "c.example", "d.example"}) {
    EXPECT_TRUE(accepted(three, std::string("DNS:") + name)) << name;
    EXPECT_FALSE(accepted(three, std::string("DNS:evil-") + name)) << name;
    EXPECT_FALSE(accepted(three, std::string("DNS:") + name + ".attacker")) << name;
    EXPECT_FALSE(accepted(three, std::string("DNS:evil-") + name + ".attacker")) << name;
  }
  EXPECT_FALSE(accepted({{NameType::Email, "a@b\\.example"}}, "email:xa@b.example"));
  EXPECT_FALSE(accepted({{NameType::Uri, "https://a/"}}, "URI:https://a/b"));
}

TEST_F(AcceptedNamesTest, ANameWithANulIsNoName) {
  // SEQUENCE { [2] "good.example\0.evil" }
  const std::string name("good.example\0.evil", 18);
  CertificateWish wish;
  wish.names_der = std::string("\x30\x14\x82\x12") + name;
  const std::string leaf = root_.issue(wish).pem();

  EXPECT_FALSE(chain(leaf).names().has_value());
  EXPECT_EQ(fault({.authorities = root_.pem(), .names = {{NameType::Dns, "good\\.example"}}}, leaf),
            ChainFault::Malformed);
  EXPECT_EQ(fault(leaf), ChainFault::Malformed);
}

TEST_F(AcceptedNamesTest, NamesThatCannotBeDecodedAreNoNames) {
  CertificateWish wish;
  wish.names_der = "\x30\x7f\x82";
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::Malformed);
  wish = CertificateWish().named("DNS:a.example");
  wish.names_der = std::string("\x30\x03\x82\x01") + "b";  // a second extension of the same kind
  EXPECT_EQ(fault(root_.issue(wish).pem()), ChainFault::Malformed);
}

TEST_F(AcceptedNamesTest, ACriticalExtensionOfUnknownNamesIsTolerated) {
  EXPECT_EQ(fault(root_.issue(CertificateWish().named("critical,RID:1.2.3")).pem()),
            ChainFault::None);
}

TEST_F(AcceptedNamesTest, WhatIsNoPatternIsRefused) {
  const std::vector<NamePattern> bad = {{NameType::Dns, "("}};
  const Result<NamePatterns> made = NamePatterns::make(bad);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message(), "not a pattern of RE2: missing ): (");
  const std::vector<NamePattern> many(NamePatterns::kPatternsMax + 1, {NameType::Dns, "a"});
  EXPECT_FALSE(NamePatterns::make(many).has_value());
  EXPECT_EQ(find_name_type("IP_Address"), NameType::IpAddress);
  EXPECT_EQ(find_name_type("rid"), std::nullopt);
}

class RevocationListsTest : public ClientAuthoritiesTest {
 protected:
  static std::string refused(const std::string& text) {
    return std::string(RevocationLists::read(text).error().message());
  }
};

TEST_F(RevocationListsTest, TextAndOtherBlocksBeforeAListAreSkipped) {
  const TestAuthority other("Other", now());
  const Result<RevocationLists> lists = RevocationLists::read(
      "our lists\n" + root_.pem() + root_.list_pem() + other.list_pem() + "\n\n");

  ASSERT_TRUE(lists.has_value());
  ASSERT_EQ(lists->facts().size(), 2U);
  EXPECT_EQ(lists->facts()[0].issuer, "CN=Root");
  EXPECT_EQ(lists->facts()[1].next_update, now() + days(7));
  EXPECT_TRUE(lists->is_signed_by(1, other.native()));
  EXPECT_FALSE(lists->is_signed_by(1, root_.native()));
}

TEST_F(RevocationListsTest, OfOneIssuerTheLastListCounts) {
  const TestAuthority leaf = root_.issue();
  const Result<RevocationLists> lists =
      RevocationLists::read(root_.list_pem({.revoked = {leaf.serial()}}) + root_.list_pem());

  ASSERT_TRUE(lists.has_value());
  EXPECT_EQ(lists->facts().size(), 1U);
  EXPECT_EQ(lists->replaced().size(), 1U);
}

TEST_F(RevocationListsTest, WhatIsNoListIsRefusedWithAReason) {
  EXPECT_TRUE(RevocationLists::read(" \n")->empty());
  EXPECT_EQ(refused("not a CRL"), "something that is not PEM follows the revocation lists");
  EXPECT_EQ(refused(root_.pem()), "no PEM block X509 CRL");
  EXPECT_EQ(refused(root_.list_pem() + "more"),
            "something that is not PEM follows the revocation lists");
  std::string broken = root_.list_pem();
  broken.replace(broken.size() / 2, 8, "********");
  EXPECT_TRUE(refused(broken).starts_with("a revocation list cannot be decoded"));
}

TEST_F(RevocationListsTest, AListThatIsOnlyAPartIsRefused) {
  EXPECT_EQ(refused(root_.list_pem({.extensions = {{"2.5.29.27", "critical,DER:020101"}}})),
            "the revocation list of CN=Root holds changes only (a delta list)");
  const std::string partial =
      "the revocation list of CN=Root is indirect, for some reasons only, or has an unknown "
      "critical extension";
  // SEQUENCE { [4] TRUE }: an indirect list.
  EXPECT_EQ(refused(root_.list_pem({.extensions = {{"2.5.29.28", "critical,DER:30038401FF"}}})),
            partial);
  EXPECT_EQ(refused(root_.list_pem({.extensions = {{"1.2.3.4", "critical,DER:0500"}}})), partial);
  // SEQUENCE { [1] TRUE }: for users only, which is all that such a list has to say.
  EXPECT_TRUE(RevocationLists::read(
                  root_.list_pem({.extensions = {{"2.5.29.28", "critical,DER:30038101FF"}}}))
                  .has_value());
}

TEST(PresentedChainTest, TellsWhoseItIs) {
  const testing::VirtualClock clock;
  const TestAuthority root("Root, of \xC3\x84", clock.wall());
  const TestAuthority leaf = root.issue(CertificateWish().named(
      "DNS:A.example,email:a@example.com,URI:spiffe://x,IP:10.0.0.1,RID:1.2.3"));

  const PresentedChain chain = *PresentedChain::read(leaf.pem() + root.pem());

  EXPECT_EQ(chain.subject(), "CN=alice");
  EXPECT_EQ(chain.issuer(), "CN=Root\\, of \xC3\x84");
  ASSERT_TRUE(chain.names().has_value());
  EXPECT_EQ(chain.names()->dns, std::vector<std::string>{"A.example"});
  EXPECT_EQ(chain.names()->email, std::vector<std::string>{"a@example.com"});
  EXPECT_EQ(chain.names()->uri, std::vector<std::string>{"spiffe://x"});
  EXPECT_EQ(chain.names()->ip, std::vector<IpAddress>{*IpAddress::parse("10.0.0.1")});
  EXPECT_NE(chain.digest(), PresentedChain::read(leaf.pem())->digest());
  EXPECT_EQ(chain.fingerprint(), PresentedChain::read(leaf.pem())->fingerprint());
}

TEST(PresentedChainTest, LooksAtSoManyCertificatesAndNoMore) {
  const testing::VirtualClock clock;
  const TestAuthority root("Root", clock.wall());
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += root.issue().pem();
  }
  EXPECT_EQ(PresentedChain::read(many)->certificates().size(), PresentedChain::kCertificatesMax);
}

}  // namespace
}  // namespace vallum::crypto
