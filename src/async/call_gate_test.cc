#include "async/call_gate.h"

#include <gtest/gtest.h>

namespace vallum::async {
namespace {

TEST(CallGateTest, LetsInNoMoreThanItsLimitAtATime) {
  CallGate gate(2);
  std::optional<CallGate::Pass> first = gate.try_enter();
  const std::optional<CallGate::Pass> second = gate.try_enter();
  ASSERT_TRUE(first && second);

  EXPECT_FALSE(gate.try_enter());
  first.reset();
  EXPECT_TRUE(gate.try_enter());
}

TEST(CallGateTest, NumbersTheCallsItLetsIn) {
  CallGate gate(8);
  const std::optional<CallGate::Pass> first = gate.try_enter();
  const std::optional<CallGate::Pass> second = gate.try_enter();
  ASSERT_TRUE(first && second);

  EXPECT_EQ(second->number(), first->number() + 1);
}

TEST(CallGateTest, APassThatMovedLetsItsCallOutOnce) {
  CallGate gate(1);
  {
    std::optional<CallGate::Pass> pass = gate.try_enter();
    ASSERT_TRUE(pass);
    const CallGate::Pass moved = *std::move(pass);
    EXPECT_FALSE(gate.try_enter());
  }
  EXPECT_TRUE(gate.try_enter());
  EXPECT_TRUE(gate.try_enter());
}

}  // namespace
}  // namespace vallum::async
