#include "tls/ticket_keys.h"

#include <gtest/gtest.h>

#include "tls/limits.h"

namespace vallum::tls {
namespace {

constexpr WallTime kStart = WallTime(std::chrono::hours(8 * 1000) + std::chrono::minutes(5));

class TicketKeysTest : public ::testing::Test {
 protected:
  const Secret seed_{std::string_view("a seed of the process")};
};

TEST_F(TicketKeysTest, CoresAgreeWithoutAskingEachOther) {
  TicketKeys one(seed_, kStart);
  TicketKeys other(seed_, kStart);

  for (int period : {0, 1, 5}) {
    const WallTime now = kStart + kTicketPeriod * period;
    const TicketKeys::Key& key = one.newest(now);
    EXPECT_EQ(key.name, other.newest(now).name);
    EXPECT_TRUE(key.encrypt.equals(other.newest(now).encrypt.expose()));
    EXPECT_TRUE(key.authenticate.equals(other.newest(now).authenticate.expose()));
  }
}

TEST_F(TicketKeysTest, AKeyIsKnownForTwoPeriodsAfterItsOwn) {
  TicketKeys keys(seed_, kStart);
  const auto name = keys.newest(kStart).name;

  EXPECT_NE(keys.find(name, kStart + kTicketPeriod * 2), nullptr);
  EXPECT_NE(keys.newest(kStart + kTicketPeriod * 2).name, name);
  EXPECT_EQ(keys.find(name, kStart + kTicketPeriod * 3), nullptr);
}

TEST_F(TicketKeysTest, AClockThatGoesBackChangesNothing) {
  TicketKeys keys(seed_, kStart);
  const auto name = keys.newest(kStart + kTicketPeriod).name;

  EXPECT_EQ(keys.newest(kStart).name, name);
}

TEST_F(TicketKeysTest, AnotherSeedGivesOtherKeys) {
  TicketKeys one(seed_, kStart);
  TicketKeys other(Secret(std::string_view("another seed")), kStart);

  EXPECT_EQ(other.find(one.newest(kStart).name, kStart), nullptr);
}

}  // namespace
}  // namespace vallum::tls
