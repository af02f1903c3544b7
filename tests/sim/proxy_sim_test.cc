// The whole proxy under seeded traffic and faults. Seeds are 1 to VALLUM_SIM_SEEDS; one alone:
//   VALLUM_SIM_SEED=17 build/asan/tests/sim/sim_test --gtest_filter='ProxySimTest.*'
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "sim/proxy_run.h"

namespace vallum::testing {
namespace {

constexpr std::uint64_t kSeeds = 60;

std::optional<std::uint64_t> number_in_environment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::nullopt : parse_u64(text);
}

class ProxySimTest : public ::testing::Test {
 protected:
  // The seeds this run of the program is about.
  std::uint64_t first() const { return number_in_environment("VALLUM_SIM_SEED").value_or(1); }
  std::uint64_t last() const {
    return number_in_environment("VALLUM_SIM_SEED")
        .value_or(number_in_environment("VALLUM_SIM_SEEDS").value_or(kSeeds));
  }

  static RunOutcome run(std::uint64_t seed) {
    ProxyRun run(Plan::draw(seed));
    return run.run();
  }
};

TEST_F(ProxySimTest, NoFaultMakesItForwardWhatIsNotAllowedOrLeakOrHang) {
  RunOutcome all;
  for (std::uint64_t seed = first(); seed <= last(); ++seed) {
    const RunOutcome outcome = run(seed);

    for (const std::string& violation : outcome.violations) {
      ADD_FAILURE() << violation << "\nseed " << seed << " (VALLUM_SIM_SEED=" << seed
                    << " runs it alone), plan:" << Plan::draw(seed).text();
    }
    all.replies += outcome.replies;
    all.arrivals += outcome.arrivals;
    all.refusals += outcome.refusals;
    all.streams_revoked += outcome.streams_revoked;
  }
  RecordProperty("replies", static_cast<int>(all.replies));
  // A simulation in which little happens would prove little.
  if (last() - first() + 1 >= kSeeds) {
    EXPECT_GT(all.replies, 15 * kSeeds);
    EXPECT_GT(all.arrivals, 5 * kSeeds);
    EXPECT_GT(all.refusals, 3 * kSeeds);
    EXPECT_GT(all.streams_revoked, kSeeds / 20);
  }
}

TEST_F(ProxySimTest, ASeedRepeatsEveryRecordToTheByte) {
  constexpr std::uint64_t kStep = 10;
  for (std::uint64_t seed = first(); seed <= last(); seed += kStep) {
    const RunOutcome once = run(seed);
    const RunOutcome again = run(seed);

    ASSERT_EQ(once.records, again.records) << "seed " << seed;
    ASSERT_EQ(once.diagnostics, again.diagnostics) << "seed " << seed;
  }
}

}  // namespace
}  // namespace vallum::testing
