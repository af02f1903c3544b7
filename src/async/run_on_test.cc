#include "async/run_on.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/core_thread.h"
#include "async/on_core.h"
#include "async/sleep.h"
#include "support/sim/fake_core.h"
#include "support/sim/kernel_core.h"

namespace vallum::async {
namespace {

using testing::FakeCore;
using testing::KernelCore;

Async<std::string> greet(Core* expected, std::string name) {
  co_await yield(*expected);
  if (Core::current() != expected) {
    co_return fail(ErrorKind::Internal, "on the wrong core");
  }
  if (name.empty()) {
    co_return fail(ErrorKind::InvalidInput, "no name");
  }
  co_return "hello " + name;
}

Async<int> sleep_for_ever(Core* core) {
  co_await sleep_until(*core, Instant::max());
  co_return 1;
}

Async<std::string> call_from_here(Core* target, Scope* scope, std::string name) {
  Core* const here = Core::current();
  auto answer = co_await run_on(
      *target, *scope, [target, name = std::move(name)] { return greet(target, name); });
  if (Core::current() != here) {
    co_return fail(ErrorKind::Internal, "came back elsewhere");
  }
  co_return answer;
}

TEST(RunOnTest, RunsThereAndReturnsHere) {
  KernelCore here;
  KernelCore there;
  auto scope = std::make_unique<Scope>(there.core);
  const auto thread =
      std::make_unique<CoreThread>(there.core, CoreThread::Options{.name = "t", .cpu = {}});

  const auto greeted = block_on(here.core, call_from_here(&there.core, scope.get(), "world"));
  const auto refused = block_on(here.core, call_from_here(&there.core, scope.get(), ""));

  ASSERT_TRUE(greeted.has_value()) << greeted.error().message();
  EXPECT_EQ(*greeted, "hello world");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::InvalidInput);
}

Task<void> call_and_note(Core* core, Scope* scope, std::string* note) {
  const auto answer = co_await run_on(*core, *scope, [core] { return sleep_for_ever(core); });
  *note = answer ? "value" : std::string(to_string(answer.error().kind()));
}

TEST(RunOnTest, TellsTheCallerWhenTheScopeEndsFirst) {
  FakeCore fake;
  Scope callers(fake.core);
  auto called = std::make_unique<Scope>(fake.core);
  std::string note;
  callers.spawn(call_and_note(&fake.core, called.get(), &note));
  fake.run_ready();

  called.reset();
  fake.run_ready();

  EXPECT_EQ(note, "Cancelled");
}

TEST(RunOnTest, ACallerThatGoesAwayLeavesNothingBehind) {
  FakeCore fake;
  auto callers = std::make_unique<Scope>(fake.core);
  Scope called(fake.core);
  std::string note;
  callers->spawn(call_and_note(&fake.core, &called, &note));
  fake.run_ready();
  ASSERT_EQ(called.size(), 1U);

  callers.reset();
  called.cancel_children();
  fake.run_ready();

  EXPECT_EQ(note, "");
}

TEST(RunOnTest, DoesNotBeginForACallerThatIsGoneAlready) {
  FakeCore here;
  FakeCore there;
  auto callers = std::make_unique<Scope>(here.core);
  Scope called(there.core);
  std::string note;
  callers->spawn(call_and_note(&there.core, &called, &note));
  here.run_ready();

  callers.reset();
  there.core.run_ready();

  EXPECT_TRUE(called.empty());
}

}  // namespace
}  // namespace vallum::async
