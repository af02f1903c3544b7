#include "proxy/record_headers.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "telemetry/limits.h"

namespace vallum::proxy {
namespace {

using telemetry::FieldPolicy;
using telemetry::RecordKind;

class RecordHeadersTest : public ::testing::Test {
 protected:
  RecordHeadersTest() { plans_.decision.all_headers = true; }

  std::string shown(RecordKind kind = RecordKind::Decision) {
    std::string text;
    append_record_headers(text, fields_, {.plans = plans_, .hash = hash_, .kind = kind});
    return text;
  }

  http::Fields fields_;
  telemetry::RecordPlans plans_;
  telemetry::FieldHash hash_{Secret("0123456789abcdef0123456789abcdef")};
};

TEST_F(RecordHeadersTest, NamesAreCanonicalAndLinesOfOneNameJoined) {
  fields_.add("x-forwarded-FOR", "1.2.3.4");
  fields_.add("Accept", "a");
  fields_.add("accept", "b");

  EXPECT_EQ(shown(), R"({"X-Forwarded-For":"1.2.3.4","Accept":"a,b"})");
}

TEST_F(RecordHeadersTest, OnlyWhatIsNamedIsShown) {
  plans_.access.headers = {"accept", "missing"};
  fields_.add("Accept", "a");
  fields_.add("Referer", "b");

  EXPECT_EQ(shown(RecordKind::Access), R"({"accept":"a"})");
}

// Covers ADM-02.
TEST_F(RecordHeadersTest, NoCredentialIsShownUnlessItIsKeptOnPurpose) {
  for (const char* name : {"Cookie",
                           "Authorization",
                           "Proxy-Authorization",
                           "X-Pomerium-Authorization",
                           "X-Pomerium-Jwt-Assertion",
                           "x.pomerium-claim"}) {
    fields_.add(name, "planted");
  }
  EXPECT_FALSE(shown().contains("planted")) << shown();
  EXPECT_TRUE(shown().contains("\"Cookie\":\"(redacted)\""));

  plans_.header_policies = {{.name = "authorization", .policy = FieldPolicy::Keep},
                            {.name = "cookie", .policy = FieldPolicy::Hash},
                            {.name = "proxy-authorization", .policy = FieldPolicy::Drop}};
  const std::string text = shown();
  EXPECT_TRUE(text.contains(R"("Authorization":"planted")")) << text;
  EXPECT_TRUE(text.contains(R"("Cookie":"hmac-)"));
  EXPECT_FALSE(text.contains("Proxy-Authorization"));
}

TEST_F(RecordHeadersTest, OneRequestTakesBoundedSpace) {
  const std::string huge(100'000, 'x');
  std::vector<std::string> names;
  names.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    names.push_back("x-" + std::to_string(i));
    fields_.add(names.back(), huge);
  }

  const std::string text = shown();

  EXPECT_LT(text.size(), 2 * telemetry::kRecordHeadersBytesMax);
  EXPECT_TRUE(codec::parse_json(text).has_value());
}

}  // namespace
}  // namespace vallum::proxy
