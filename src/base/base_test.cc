#include <gtest/gtest.h>

#include "base/buffered_entropy.h"
#include "base/bytes.h"
#include "base/entropy.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) {
    return fail(ErrorKind::InvalidInput, "odd");
  }
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(const int h, half(n));
  TRY(const int q, half(h));
  return q;
}

TEST(ResultTest, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

TEST(ErrorTest, ContextStandsBeforeTheMessage) {
  const Error error(ErrorKind::NotFound, "no such file");

  const Error outer = error.with_context("config.yaml");

  EXPECT_EQ(outer.message(), "config.yaml: no such file");
  EXPECT_EQ(outer.kind(), ErrorKind::NotFound);
}

TEST(StringsTest, ParsesOnlyPlainDecimalNumbers) {
  EXPECT_EQ(parse_u64("18446744073709551615"), 18446744073709551615ULL);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1e9", "18446744073709551616"}) {
    EXPECT_FALSE(parse_u64(bad).has_value()) << bad;
  }
}

TEST(StringsTest, RecognisesUtf8ByTheTableOfRfc3629) {
  EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(IpAddressTest, AMappedAddressIsIpv4) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1"), IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(IpAddress::parse("2001:DB8:0::1")->text(), "2001:db8::1");
}

TEST(IpAddressTest, ItsTextReadsBack) {
  for (const char* text :
       {"0.0.0.0", "255.255.255.255", "10.0.0.100", "1.20.3.99", "::", "fe80::1"}) {
    EXPECT_EQ(IpAddress::parse(text)->text(), text);
  }
}

TEST(IpAddressTest, RefusesFormsThatOthersReadDifferently) {
  for (const char* bad :
       {"", "127.1", "010.0.0.1", "0x7f000001", "1.2.3.4.5", "fe80::1%eth0", "[::1]", "1.2.3.4 "}) {
    EXPECT_FALSE(IpAddress::parse(bad).has_value()) << bad;
  }
}

TEST(IpPrefixTest, MasksHostBitsAndKeepsFamiliesApart) {
  const auto prefix = IpPrefix::parse("10.1.2.3/8");
  EXPECT_EQ(prefix->text(), "10.0.0.0/8");
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("10.255.0.1")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("11.0.0.1")));
  EXPECT_FALSE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("10.0.0.1")));
  for (const char* bad :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129"}) {
    EXPECT_FALSE(IpPrefix::parse(bad).has_value()) << bad;
  }
}

TEST(SecretTest, ComparesByValueInConstantTime) {
  const Secret secret("hunter2");
  EXPECT_TRUE(secret.equals(as_bytes("hunter2")));
  EXPECT_FALSE(secret.equals(as_bytes("hunter3")));
  EXPECT_FALSE(secret.equals(as_bytes("hunter")));
}

TEST(SecretTest, LeavesNothingBehindWhenMoved) {
  Secret first("hunter2");
  const Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): the moved-from state is the claim
  EXPECT_EQ(second.expose_text(), "hunter2");
}

TEST(EntropyTest, UuidsCarryVersionAndVariant) {
  testing::SeededEntropy entropy(7);
  const std::string uuid = entropy.uuid();
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(std::string_view("89ab").find(uuid[19]), std::string_view::npos);
}

TEST(BufferedEntropyTest, HandsOutTheSourcesBytesOnce) {
  testing::SeededEntropy source(7);
  BufferedEntropy buffered(source);
  testing::SeededEntropy same(7);
  Bytes expected(4096 * 2);
  same.fill(ByteSpan(expected).first(4096));
  same.fill(ByteSpan(expected).last(4096));

  Bytes got(expected.size());
  for (std::size_t at = 0; at < got.size(); at += 16) {
    buffered.fill(ByteSpan(got).subspan(at, 16));
  }

  EXPECT_EQ(got, expected);
}

TEST(DeadlineTest, LeftIsNeverNegative) {
  testing::VirtualClock clock;
  const Deadline deadline = Deadline::after(clock, std::chrono::seconds(5));

  clock.advance(std::chrono::seconds(6));

  EXPECT_TRUE(deadline.has_passed(clock));
  EXPECT_EQ(deadline.left(clock), Duration::zero());
  EXPECT_FALSE(Deadline::never().has_passed(clock));
}

TEST(UniqueFunctionTest, HoldsMoveOnlyCallables) {
  UniqueFunction<int(int)> add = [base = std::make_unique<int>(40)](int n) { return *base + n; };
  EXPECT_EQ(add(2), 42);
}

// Memory that notes what it gave and whether that came back wiped.
struct Watched {
  static inline std::size_t given = 0;
  static inline bool came_back_wiped = true;
  static std::byte* take(std::size_t bytes) {
    ++given;
    return new std::byte[bytes];
  }
  static void give_back(std::byte* data, std::size_t bytes) {
    --given;
    for (std::size_t i = 0; i < bytes; ++i) {
      came_back_wiped = came_back_wiped && data[i] == std::byte{0};
    }
    delete[] data;
  }
};

TEST(SecretTest, LiesInTheMemoryItWasGivenAndLeavesNothingThere) {
  const SecretMemory before =
      use_secret_memory({.take = Watched::take, .give_back = Watched::give_back});
  {
    Secret one(std::string_view("one"));
    Secret two(Bytes(40, std::byte{7}));
    const Secret copy = one.clone();
    EXPECT_EQ(Watched::given, 3U);
    one = std::move(two);
    EXPECT_EQ(Watched::given, 2U);
    EXPECT_EQ(one.size(), 40U);
    EXPECT_EQ(copy.expose_text(), "one");
    const Secret nothing;
    EXPECT_TRUE(nothing.clone().empty());
    EXPECT_TRUE(Secret(std::string_view("")).empty());
  }
  EXPECT_EQ(Watched::given, 0U);
  EXPECT_TRUE(Watched::came_back_wiped);
  use_secret_memory(before);
}

}  // namespace
}  // namespace vallum
