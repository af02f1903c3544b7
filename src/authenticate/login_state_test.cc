#include "authenticate/login_state.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/seeded_entropy.h"

namespace vallum::authenticate {
namespace {

constexpr std::string_view kUrl = "https://auth.example/.pomerium/sign_in?pomerium_idp_id=a|b";

class LoginStatesTest : public ::testing::Test {
 protected:
  testing::SeededEntropy entropy_{1};
  const WallTime now_ = from_unix_seconds(1700000000);
  const CsrfToken token_ = make_csrf_token(entropy_);
  LoginStates states_{Secret("0123456789abcdef0123456789abcdef")};
};

TEST_F(LoginStatesTest, AStateCarriesItsUrlBack) {
  const std::string state = states_.make_state(token_, kUrl, now_, entropy_);

  const auto opened = states_.open_state(token_, state);

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->sign_in_url, kUrl);
  EXPECT_EQ(opened->issued, now_);
}

// Covers OID-02, OID-03.
TEST_F(LoginStatesTest, OpensNoStateOfAnotherBrowserOrDeploymentAndNoChangedOne) {
  const std::string state = states_.make_state(token_, kUrl, now_, entropy_);
  EXPECT_FALSE(states_.open_state(make_csrf_token(entropy_), state).has_value());
  const LoginStates foreign{Secret("fedcba9876543210fedcba9876543210")};
  EXPECT_FALSE(foreign.open_state(token_, state).has_value());
  for (std::size_t at = 0; at < state.size(); ++at) {
    std::string flipped = state;
    flipped[at] = flipped[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(states_.open_state(token_, flipped).has_value()) << at;
  }
  for (std::size_t cut = 0; cut < state.size(); cut += 3) {
    EXPECT_FALSE(states_.open_state(token_, state.substr(0, cut)).has_value());
  }
  EXPECT_FALSE(states_.open_state(token_, std::string(1 << 20, 'A')).has_value());
  for (const char* parts : {"", "a|b", "a|b|c", "|||", "a|1||", "||||"}) {
    const std::string text = codec::encode_base64(as_bytes(parts), codec::Base64::Url);
    EXPECT_FALSE(states_.open_state(token_, text).has_value()) << parts;
  }
}

TEST_F(LoginStatesTest, AStateIsOpenedForAnybodyButOnlyOneOfOurs) {
  const std::string state = states_.make_state(token_, kUrl, now_, entropy_);
  const LoginStates foreign{Secret("fedcba9876543210fedcba9876543210")};

  const auto opened = states_.open_of_anybody(state);

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->sign_in_url, kUrl);
  EXPECT_FALSE(foreign.open_of_anybody(state).has_value());
}

TEST_F(LoginStatesTest, AnAttemptLastsFiveMinutesBothWaysOfTheClock) {
  const LoginState state{.sign_in_url = std::string(kUrl), .issued = now_};
  const auto beyond = LoginStates::kLifetime + std::chrono::seconds(1);

  EXPECT_FALSE(LoginStates::is_expired(state, now_ + LoginStates::kLifetime));
  EXPECT_TRUE(LoginStates::is_expired(state, now_ + beyond));
  EXPECT_FALSE(LoginStates::is_expired(state, now_ - LoginStates::kLifetime));
  EXPECT_TRUE(LoginStates::is_expired(state, now_ - beyond));
}

TEST_F(LoginStatesTest, TheCookieNamesItsTokenForTwelveHours) {
  const std::string cookie = states_.cookie_value(token_, now_);

  EXPECT_EQ(states_.read_cookie(cookie, now_ + LoginStates::kCookieLifetime), token_);
  EXPECT_FALSE(
      states_.read_cookie(cookie, now_ + std::chrono::hours(12) + std::chrono::seconds(1)));
  for (std::size_t at = 0; at < cookie.size(); ++at) {
    std::string flipped = cookie;
    flipped[at] = flipped[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(states_.read_cookie(flipped, now_)) << at;
  }
  EXPECT_FALSE(states_.read_cookie("", now_));
}

TEST_F(LoginStatesTest, EachAttemptHasItsOwnVerifierAndNonce) {
  const std::string one = states_.make_state(token_, kUrl, now_, entropy_);
  const std::string two = states_.make_state(token_, kUrl, now_, entropy_);

  EXPECT_EQ(states_.pkce_verifier(token_, one).size(), 43U) << "RFC 7636 4.1 asks for 43 to 128";
  EXPECT_NE(states_.pkce_verifier(token_, one), states_.pkce_verifier(token_, two));
  EXPECT_NE(states_.nonce(token_, one), states_.nonce(token_, two));
  EXPECT_NE(states_.pkce_verifier(token_, one), states_.nonce(token_, one));
}

// A sign-in that was begun before the secret was changed ends as it would have.
TEST_F(LoginStatesTest, AnAttemptOutlastsAChangeOfSecrets) {
  SecretList both(Secret("fedcba9876543210fedcba9876543210"));
  both.add_older(Secret("0123456789abcdef0123456789abcdef"));
  const LoginStates rotated{both};
  const LoginStates next{Secret("fedcba9876543210fedcba9876543210")};
  testing::SeededEntropy entropy(9);
  const CsrfToken token = make_csrf_token(entropy);
  const WallTime now = WallTime{} + std::chrono::hours(1);
  const std::string cookie = states_.cookie_value(token, now);
  const std::string state = states_.make_state(token, "https://auth.example/x", now, entropy);

  EXPECT_EQ(rotated.read_cookie(cookie, now), token);
  EXPECT_TRUE(rotated.open_state(token, state).has_value());
  EXPECT_EQ(rotated.pkce_verifier(token, state), states_.pkce_verifier(token, state));
  EXPECT_EQ(rotated.nonce(token, state), states_.nonce(token, state));
  EXPECT_FALSE(next.read_cookie(cookie, now).has_value());
  EXPECT_FALSE(next.open_state(token, state).has_value());
  const std::string new_cookie = rotated.cookie_value(token, now);
  EXPECT_EQ(next.read_cookie(new_cookie, now), token);
}

}  // namespace
}  // namespace vallum::authenticate
