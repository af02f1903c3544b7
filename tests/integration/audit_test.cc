// What is written down about a request (policy specification 8 and 12).
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

class AuditTest : public IntegrationTest {
 protected:
  explicit AuditTest(const std::string& more_options = "")
      : IntegrationTest({.more_options = more_options, .more_routes = {}}) {}

  // The last line of a kind that was written.
  std::string last(const std::string& message) {
    const std::string records = deployment_.records();
    const std::size_t at = records.rfind("\"message\":\"" + message + "\"");
    EXPECT_NE(at, std::string::npos);
    const std::size_t begin = records.rfind('\n', at) + 1;
    return records.substr(begin, records.find('\n', at) - begin);
  }
  std::string decision() { return last("authorize check"); }
  std::string access() { return last("http-request"); }
};

TEST_F(AuditTest, ARefusalSaysWhatBecameOfTheRequest) {
  browser_.get("https://app.example/");
  EXPECT_TRUE(contains(decision(), R"("outcome":"login","response-code":302})")) << decision();

  browser_.visit("https://admin.example/", "bob");
  EXPECT_TRUE(contains(decision(), R"("outcome":"forbidden","response-code":403})"));
  EXPECT_TRUE(contains(access(), R"("response-code":403)"));

  browser_.visit("https://app.example/", "bob");
  EXPECT_TRUE(contains(decision(), R"("outcome":"allowed"})"));
  EXPECT_TRUE(contains(access(), R"("outcome":"allowed","response-code":200)"));
}

TEST_F(AuditTest, TheRouteHasAChecksum) {
  browser_.get("https://public.example/");

  EXPECT_TRUE(contains(decision(), R"("envoy-route-checksum":)"));
  EXPECT_FALSE(contains(decision(), R"("envoy-route-checksum":0,)"));
}

class ChosenAuditTest : public AuditTest {
 protected:
  ChosenAuditTest()
      : AuditTest(
            R"(authorize_log_fields: [path, query, user, email, record-versions, id-token, id-token-claims, headers, removed-groups-count]
access_log_fields: [path, query, email, headers.X-Team, headers.Cookie]
log_field_policies: {email: hash, user: drop, headers.X-Secret: drop}
jwt_groups_filter: [engineering]
)") {}
};

// Covers SES-18, ADM-02.
TEST_F(ChosenAuditTest, LinesShowWhatWasChosenAndNoCredential) {
  browser_.visit("https://app.example/", "alice");
  const std::string handle = browser_.cookie("app.example", "_pomerium");
  browser_.get("https://app.example/a?x=1&pomerium_session=" + handle,
               "X-Team: red\r\nX-Secret: hush\r\nAuthorization: Basic planted\r\n");

  const std::string decided = decision();
  for (const char* piece : {"\"path\":\"/a\",\"query\":\"x=1\"",
                            "\"email\":\"hmac-",
                            "\"X-Team\":\"red\"",
                            "\"Authorization\":\"(redacted)\"",
                            "\"Cookie\":\"(redacted)\"",
                            "\"id-token-claims\":{",
                            ".(redacted)\"",
                            "\"record-versions\":{\"server\":",
                            "\"removed-groups-count\":1"}) {
    EXPECT_TRUE(contains(decided, piece)) << piece << " in " << decided;
  }
  const std::string accessed = access();
  EXPECT_TRUE(contains(
      accessed, "\"query\":\"x=1\",\"headers\":{\"x-team\":\"red\",\"cookie\":\"(redacted)\"}"))
      << accessed;
  for (const std::string& line : {decided, accessed}) {
    for (const std::string& gone :
         {std::string("\"user\":\""), std::string("hush"), std::string("planted"), handle}) {
      EXPECT_FALSE(contains(line, gone)) << gone << " in " << line;
    }
  }
  EXPECT_FALSE(contains(accessed, "alice@example.com"));
  EXPECT_FALSE(contains(accessed, "response-code"));
}

TEST_F(ChosenAuditTest, TheQueryOfASignInIsNeverWritten) {
  browser_.visit("https://app.example/", "alice");

  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, "/oauth2/callback"));
  EXPECT_FALSE(contains(records, "code="));
  EXPECT_FALSE(contains(records, "pomerium_signature"));
}

}  // namespace
}  // namespace vallum::testing
