// Secrets change under running requests, and nobody is signed out.
#include "base/secret_list.h"
#include "codec/base64.h"
#include "crypto/jose/jws.h"
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

std::string secret_of(char c) {
  return codec::encode_base64(Bytes(32, static_cast<std::byte>(c)), codec::Base64::Std);
}

Deployment::Options options_with(const std::string& secrets) {
  Deployment::Options options;
  options.shared_secret = secrets;
  options.cookie_secret = secrets;
  return options;
}

class SecretRotationTest : public IntegrationTest {
 protected:
  SecretRotationTest() : IntegrationTest(options_with(kOld)) {}

  void use(const std::string& secrets) { deployment_.use(options_with(secrets)); }
  std::string key_id() {
    const std::string handle = browser_.cookie("app.example", "_pomerium");
    const auto jws = crypto::UnverifiedJws::parse(handle);
    return jws ? jws->key_id().value_or("none") : "no handle";
  }

  static inline const std::string kOld = secret_of('o');
  static inline const std::string kNew = secret_of('n');
  static inline const std::string kBoth = "[" + kNew + ", " + kOld + "]";
};

TEST_F(SecretRotationTest, RequestsGoOnWhileSecretsAreChanged) {
  ASSERT_EQ(browser_.visit("https://app.example/", "alice").status, 200);
  const std::string old_key = key_id();
  std::vector<Browser> others;
  const auto ask_everybody = [&](int more) {
    for (int i = 0; i < more; ++i) {
      ASSERT_EQ(browser_.get("https://app.example/").status, 200);
      for (Browser& other : others) {
        ASSERT_EQ(other.get("https://app.example/").status, 200);
      }
    }
  };

  ask_everybody(5);
  use(kBoth);
  ask_everybody(5);
  EXPECT_EQ(key_id(), old_key);  // nobody was sent anywhere
  Browser& late = others.emplace_back(deployment_);
  ASSERT_EQ(late.visit("https://app.example/", "bob").status, 200);
  ask_everybody(5);
  // What is made from now on is made under the new secret.
  const auto late_handle = crypto::UnverifiedJws::parse(late.cookie("app.example", "_pomerium"));
  ASSERT_TRUE(late_handle.has_value());
  EXPECT_NE(late_handle->key_id(), old_key);

  use(kNew);

  EXPECT_EQ(late.get("https://app.example/").status, 200);
  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
}

TEST_F(SecretRotationTest, ASignInThatWasBegunBeforeEndsAfterTheChange) {
  const Page asked = browser_.get("https://app.example/");
  ASSERT_EQ(asked.status, 302);
  const Page at_provider = browser_.get(asked.location());
  ASSERT_EQ(at_provider.status, 302);

  use(kBoth);

  const auto back = deployment_.provider().sign_in(at_provider.location(), "alice");
  const Page page = browser_.visit(callback_url(back), "alice");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "hello");
}

// The old secret was taken off the list at once: what was made under it counts for nothing.
TEST_F(SecretRotationTest, ASecretThatIsNoLongerListedOpensNothing) {
  ASSERT_EQ(browser_.visit("https://app.example/", "alice").status, 200);

  use(kNew);

  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
  EXPECT_EQ(application().requests_seen(), 1U);
  EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200);
}

}  // namespace
}  // namespace vallum::testing
