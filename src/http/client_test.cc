#include "http/client.h"

#include <gtest/gtest.h>

#include "support/fake_http_client.h"
#include "support/sim/fake_core.h"

namespace vallum::http {
namespace {

using testing::answer_json;
using testing::FakeCore;
using testing::FakeHttpClient;

// The fake must fail as the real client does, or tests built on it show nothing.
class FakeHttpClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    web_.serve("https://idp.example", [](const ClientRequest&) { return answer_json("{}"); });
  }
  Result<ClientResponse> fetch(Duration patience) {
    return async::block_on(fake_.core,
                           web_.fetch({.url = *Uri::parse("https://idp.example/x")},
                                      fake_.core.deadline_in(patience)));
  }

  FakeCore fake_;
  FakeHttpClient web_{fake_.core};
};

TEST_F(FakeHttpClientTest, AnswersAfterItsDelayOrEndsAtTheDeadline) {
  web_.origin("https://idp.example").delay = std::chrono::seconds(3);
  const Instant start = fake_.clock.now();

  const auto patient = fetch(std::chrono::seconds(4));
  const Duration took = fake_.clock.now() - start;
  const auto hasty = fetch(std::chrono::seconds(2));

  ASSERT_TRUE(patient.has_value());
  EXPECT_GE(took, std::chrono::seconds(3));
  ASSERT_FALSE(hasty.has_value());
  EXPECT_EQ(hasty.error().kind(), ErrorKind::DeadlineExceeded);
  EXPECT_EQ(web_.under_way(), 0U);
}

TEST_F(FakeHttpClientTest, HangsFailsAndLimitsAsTold) {
  web_.origin("https://idp.example").hangs = true;
  const auto hung = fetch(std::chrono::hours(1));
  web_.origin("https://idp.example").hangs = false;
  web_.origin("https://idp.example").fault = Error(ErrorKind::Unavailable, "refused");
  const auto refused = fetch(std::chrono::hours(1));
  const auto unknown = async::block_on(fake_.core,
                                       web_.fetch({.url = *Uri::parse("https://other.example/")},
                                                  fake_.core.deadline_in(std::chrono::hours(1))));

  ASSERT_FALSE(hung.has_value());
  EXPECT_EQ(hung.error().kind(), ErrorKind::DeadlineExceeded);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(unknown.has_value());
  EXPECT_EQ(web_.origin("https://idp.example").requests.size(), 2U);
}

}  // namespace
}  // namespace vallum::http
