#include "http/syntax/hop_by_hop.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

std::vector<std::string_view> passing(const Fields& fields) {
  const auto options = ConnectionOptions::of(fields);
  EXPECT_TRUE(options.has_value());
  std::vector<std::string_view> names;
  for (const Field& field : fields) {
    if (options->passes(field)) {
      names.push_back(field.name);
    }
  }
  return names;
}

TEST(HopByHopTest, TakesOutWhatConcernsOneConnection) {
  Fields fields;
  for (const std::string_view name : {"Host",
                                      "Connection",
                                      "Keep-Alive",
                                      "proxy-connection",
                                      "TE",
                                      "Trailer",
                                      "Transfer-Encoding",
                                      "Upgrade",
                                      "HTTP2-Settings",
                                      "Proxy-Authorization",
                                      "Accept"}) {
    fields.add(name, "x");
  }

  EXPECT_EQ(passing(fields),
            (std::vector<std::string_view>{"Host", "Proxy-Authorization", "Accept"}));
}

TEST(HopByHopTest, TakesOutWhatConnectionNames) {
  Fields fields;
  fields.add("Connection", "close, x-One,,");
  fields.add("X-One", "1");
  fields.add("X-Two", "2");
  fields.add("connection", "X-TWO, keep-alive");
  fields.add("X-Three", "3");

  EXPECT_EQ(passing(fields), (std::vector<std::string_view>{"X-Three"}));
}

// Covers HDR-04, HDR-05.
TEST(HopByHopTest, CannotNameAwayWhatIsAddedAfterwards) {
  Fields received;
  received.add("Connection", "close, X-Pomerium-Jwt-Assertion, x-pomerium-claim-email");
  received.add("X-Pomerium-Claim-Email", "evil@t");
  Fields sent;
  const auto options = ConnectionOptions::of(received);
  ASSERT_TRUE(options.has_value());
  for (const Field& field : received) {
    if (options->passes(field)) {
      sent.add(field);
    }
  }

  sent.add("x-pomerium-jwt-assertion", "ours");

  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].value, "ours");
}

TEST(HopByHopTest, BoundsTheNamesOfConnection) {
  Fields fields;
  std::string names;
  for (std::size_t i = 0; i < ConnectionOptions::kNamesMax; ++i) {
    names += "x-" + std::to_string(i) + ",";
  }
  fields.add("Connection", names);
  EXPECT_TRUE(ConnectionOptions::of(fields).has_value());

  fields.add("Connection", "one-more");

  EXPECT_EQ(ConnectionOptions::of(fields).error(), H1Error::ConnectionMalformed);
}

}  // namespace
}  // namespace vallum::http
