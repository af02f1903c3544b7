#include "authenticate/signed_url.h"

#include <string>

#include <gtest/gtest.h>

#include "authenticate/parameters.h"
#include "codec/base64.h"

namespace vallum::authenticate {
namespace {

constexpr std::string_view kBase = "https://auth.example/.pomerium/sign_in";

Secret counting_key() {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::byte>(i);
  }
  return Secret(std::move(key));
}

class UrlSignerTest : public ::testing::Test {
 protected:
  // A signed URL's query.
  std::string signed_query(WallTime at) {
    codec::Query query;
    query.add(parameter::kIdpId, "idp1");
    query.add(parameter::kRedirectUri, "https://app.example/a b?x=1&y=2");
    const std::string url = signer_.sign(kBase, query, at);
    return url.substr(url.find('?') + 1);
  }
  bool accepts(std::string_view query, std::string_view base = kBase) {
    return signer_.verify(base, query, now_).has_value();
  }

  const WallTime now_ = from_unix_seconds(1700000000);
  UrlSigner signer_{counting_key()};
};

TEST(UrlSignerVectorTest, MatchesTheVectorsOfTheSpecification) {
  UrlSigner short_key{Secret("test-key")};
  EXPECT_EQ(short_key.sign("https://pomerium.io", {}, from_unix_seconds(1574117851)),
            "https://pomerium.io?pomerium_expiry=1574118151&pomerium_issued=1574117851&"
            "pomerium_signature=XtvM-Y-oPvoGGV2Q5G0vrQ_CgNeYhVyTG5dHIqLsBOU%3D");

  UrlSigner counting{counting_key()};
  codec::Query query;
  query.add(parameter::kIdpId, "idp1");
  query.add(parameter::kRedirectUri, "https://app.example.com/a b?x=1&y=2");
  const std::string url = counting.sign(
      "https://authenticate.example.com/.pomerium/sign_in", query, from_unix_seconds(1700000000));
  EXPECT_NE(url.find("pomerium_signature=aKMWsWc3CPsQZ74HPc2PdKTofil1qY5XFumkjflwiGE%3D"),
            std::string::npos);
}

TEST_F(UrlSignerTest, ReturnsTheParametersOfAFreshUrl) {
  const auto query = signer_.verify(kBase, signed_query(now_), now_);

  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(*query->find(parameter::kRedirectUri), "https://app.example/a b?x=1&y=2");
  EXPECT_FALSE(query->has(parameter::kSignature));
}

// The comparison is constant_time_equal() of base.
// Covers SIG-01, SIG-02, SIG-03, SIG-04, SIG-12, SIG-18.
TEST_F(UrlSignerTest, RefusesEveryChangeOfTheUrl) {
  const std::string good = signed_query(now_);
  ASSERT_TRUE(accepts(good));
  const std::size_t at = good.find("app.example");
  std::string changed = good;
  changed[at] = 'b';
  EXPECT_FALSE(accepts(changed));
  EXPECT_FALSE(accepts(good + "&x=1"));
  const std::size_t signature = good.find("&pomerium_signature=");
  ASSERT_NE(signature, std::string::npos);
  const std::string unsigned_query = good.substr(0, signature);
  EXPECT_FALSE(accepts(unsigned_query));
  for (const char* bad : {"", "%3D", "%21%21", "AAAA", "%2B%2F%3D"}) {
    EXPECT_FALSE(accepts(unsigned_query + "&pomerium_signature=" + bad)) << bad;
  }
  UrlSigner other{Secret("another deployment's key, 32 byte")};
  const std::string foreign = other.sign(kBase, {}, now_);
  EXPECT_FALSE(accepts(foreign.substr(foreign.find('?') + 1)));
}

// Covers SIG-05.
TEST_F(UrlSignerTest, TheOrderOfParametersDoesNotMatter) {
  const std::string good = signed_query(now_);
  const std::size_t first = good.find('&');
  EXPECT_TRUE(accepts(good.substr(first + 1) + "&" + good.substr(0, first)));
}

// Covers SIG-06.
TEST_F(UrlSignerTest, RefusesAParameterOfOursThatStandsTwice) {
  const std::string good = signed_query(now_);
  EXPECT_FALSE(accepts(good + "&pomerium_redirect_uri=https%3A%2F%2Fevil.example%2F"));
  EXPECT_FALSE(accepts("pomerium_redirect_uri=https%3A%2F%2Fevil.example%2F&" + good));
  codec::Query twice;
  twice.add(parameter::kRedirectUri, "https://app.example/");
  twice.add(parameter::kRedirectUri, "https://evil.example/");
  const std::string url = signer_.sign(kBase, twice, now_);
  EXPECT_FALSE(accepts(url.substr(url.find('?') + 1)));
}

// Covers SIG-08, SIG-09.
TEST_F(UrlSignerTest, LivesFiveMinutesWithAMinuteOfLeeway) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  EXPECT_TRUE(accepts(signed_query(now_ - minutes(6))));
  EXPECT_FALSE(accepts(signed_query(now_ - minutes(6) - seconds(1))));
  EXPECT_FALSE(accepts(signed_query(now_ - minutes(7))));
  EXPECT_TRUE(accepts(signed_query(now_ + seconds(59))));
  EXPECT_FALSE(accepts(signed_query(now_ + minutes(2))));
}

// Signs with any times, as a peer with a mistake would.
std::string with_times(std::string_view issued, std::string_view expiry) {
  codec::Query query;
  query.set(parameter::kIssued, issued);
  query.set(parameter::kExpiry, expiry);
  crypto::Hmac mac(crypto::MacAlgorithm::HmacSha512Trunc256, counting_key().expose());
  std::string message(kBase);
  message.append("?").append(query.encode()).append(issued).append(" ").append(expiry);
  query.set(parameter::kSignature,
            codec::encode_base64(mac.mac(as_bytes(message)), codec::Base64::Url));
  return query.encode();
}

// Covers SIG-10, SIG-11.
TEST_F(UrlSignerTest, RefusesTimesThatAreNotPlainNumbersOrTooFarApart) {
  ASSERT_TRUE(accepts(with_times("1700000000", "1700000300")));
  for (const char* bad : {"-1", "17000000000000000000", "1e9", " 1", "0x6553f100", ""}) {
    EXPECT_FALSE(accepts(with_times(bad, "1700000300"))) << bad;
    EXPECT_FALSE(accepts(with_times("1700000000", bad))) << bad;
  }
  EXPECT_FALSE(accepts(with_times("1700000000", "253402300799")));
}

// Covers SIG-13, SIG-14.
TEST_F(UrlSignerTest, IsValidForOneHostAndPathOnly) {
  const std::string good = signed_query(now_);
  EXPECT_FALSE(accepts(good, "https://auth.example/.pomerium/sign_out"));
  EXPECT_FALSE(accepts(good, "https://other.example/.pomerium/sign_in"));
  EXPECT_FALSE(accepts(good, "https://auth.example:8443/.pomerium/sign_in"));
}

// Covers SIG-20.
TEST_F(UrlSignerTest, RefusesBrokenEscapes) {
  const std::string good = signed_query(now_);
  for (const char* bad : {"&a=%2", "&a=%zz", "&%"}) {
    EXPECT_FALSE(accepts(good + bad)) << bad;
  }
}

TEST_F(UrlSignerTest, TheFirstSecretSignsAndAllVerify) {
  SecretList both(Secret("another deployment's key, 32 byte"));
  both.add_older(counting_key());
  UrlSigner rotated{both};
  UrlSigner next{Secret("another deployment's key, 32 byte")};
  const auto query_of = [](const std::string& url) { return url.substr(url.find('?') + 1); };
  const std::string base = "https://app.example/.pomerium/callback/";
  const std::string old_url = signer_.sign(base, {}, WallTime{} + std::chrono::hours(1));
  const std::string new_url = rotated.sign(base, {}, WallTime{} + std::chrono::hours(1));
  const WallTime now = WallTime{} + std::chrono::hours(1);

  EXPECT_TRUE(rotated.verify(base, query_of(old_url), now).has_value());
  EXPECT_TRUE(rotated.verify(base, query_of(new_url), now).has_value());
  EXPECT_TRUE(next.verify(base, query_of(new_url), now).has_value());
  EXPECT_FALSE(next.verify(base, query_of(old_url), now).has_value());
}

}  // namespace
}  // namespace vallum::authenticate
