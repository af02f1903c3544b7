#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/syntax/body.h"
#include "http/syntax/h1.h"
#include "http/syntax/hop_by_hop.h"
#include "http/syntax/normalize.h"
#include "support/allocation/allocation_count.h"

namespace vallum::http {
namespace {

// One exchange as the proxy reads it, with everything kept from the one before.
class WarmExchange {
 public:
  void run(std::string_view request, std::string_view response) {
    reader_.reset();
    const HeadStep asked = reader_.read_request(request, request_);
    ASSERT_TRUE(asked.done()) << describe(asked.error).name;
    const auto target = normalize_target(request_.path_and_query, {}, target_scratch_);
    ASSERT_TRUE(target.has_value());
    path_bytes_ += decode_path(target->path, path_scratch_).size();
    const auto options = ConnectionOptions::of(request_.fields);
    ASSERT_TRUE(options.has_value());
    for (const Field& field : request_.fields) {
      passing_ += options->passes(field) ? 1U : 0U;
    }
    reader_.reset();
    const HeadStep answered = reader_.read_response(response, request_.method, response_);
    ASSERT_TRUE(answered.done()) << describe(answered.error).name;
    BodyDecoder body(response_.framing);
    for (std::string_view rest = response.substr(answered.consumed); !body.finished();) {
      const auto step = body.feed(rest);
      ASSERT_TRUE(step.has_value());
      rest.remove_prefix(step->consumed);
    }
  }

  std::size_t path_bytes() const { return path_bytes_; }
  std::size_t passing() const { return passing_; }

 private:
  HeadReader reader_{HeadLimits{}};
  RequestHead request_;
  ResponseHead response_;
  std::string target_scratch_;
  std::string path_scratch_;
  std::size_t path_bytes_ = 0;
  std::size_t passing_ = 0;
};

TEST(AllocationTest, AWarmExchangeIsReadWithoutAny) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer brings its own allocator";
  }
  constexpr std::array<std::string_view, 3> kRequests{
      "GET /a/b?c HTTP/1.1\r\nHost: App.Example.com:8443\r\nAccept: */*\r\n"
      "Connection: keep-alive, x-one\r\nX-One: 1\r\n\r\n",
      "GET /a/./b%20c/%61/../a-path-that-fits-no-small-string?q HTTP/1.1\r\n"
      "Host: [2001:db8:1111:2222:3333:4444:5555:6666]:8443\r\n\r\n",
      "GET http://a-host-that-fits-no-small-string.example.com/x HTTP/1.1\r\n"
      "Host: a-host-that-fits-no-small-string.example.com\r\n\r\n"};
  constexpr std::string_view kResponse =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: origin\r\n\r\n"
      "5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n";
  WarmExchange exchange;
  for (const std::string_view request : kRequests) {
    exchange.run(request, kResponse);
  }
  const std::uint64_t before = testing::allocations_so_far();

  for (const std::string_view request : kRequests) {
    exchange.run(request, kResponse);
  }

  EXPECT_EQ(testing::allocations_so_far(), before);
  EXPECT_GT(exchange.path_bytes() * exchange.passing(), 0U);
}

TEST(AllocationTest, ARefusedHeadIsRefusedWithoutAny) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer brings its own allocator";
  }
  RequestHead head;
  std::string scratch;
  const std::uint64_t before = testing::allocations_so_far();

  const HeadStep step = parse_request_head(
      "POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 5\r\n\r\n", HeadLimits{}, head);
  const auto authority = Authority::parse("user@a-host-that-fits-no-small-string.example.com");
  const auto target = normalize_target("/#", {}, scratch);

  EXPECT_EQ(testing::allocations_so_far(), before);
  EXPECT_TRUE(step.failed());
  EXPECT_FALSE(authority.has_value() || target.has_value());
}

}  // namespace
}  // namespace vallum::http
