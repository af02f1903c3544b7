#include <array>
#include <map>
#include <set>
#include <string>

#include "refresh/limits.h"
#include "support/refresh/renewal_world.h"

namespace vallum::refresh {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::answer_json;

// Three processes on one databroker, which stop, crash and come back; a clock that jumps; a
// provider that rotates refresh tokens and is in trouble now and then; a store that fails; people
// who sign in and out.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : dice_(seed), world_(seed * 7 + 1) {
    world_.session_life = hours(200);
    world_.idp.access_token_lifetime = minutes(5);
    world_.fake.advance(seconds(1));
    for (auto& node : nodes_) {
      node = world_.start();
    }
  }

  void run() {
    for (int step = 0; step < 150; ++step) {
      act();
      // In small steps, so that nothing is missed.
      for (std::uint64_t i = roll(60); i > 0; --i) {
        world_.fake.advance(milliseconds(500 + roll(1500)));
        look();
      }
    }
    calm();
  }

 private:
  std::uint64_t roll(std::uint64_t sides) { return dice_.next_u64() % sides; }

  void act() {
    std::unique_ptr<testing::RenewalWorld::Node>& node = nodes_[roll(nodes_.size())];
    switch (roll(11)) {
      case 0:
      case 1:
        if (!world_.store.is_down && !is_in_trouble_) {
          live_.insert(world_.sign_in(roll(2) == 0 ? "alice" : "bob"));
        }
        break;
      case 2:
        if (!live_.empty() && !world_.store.is_down) {
          const std::string id = *std::next(live_.begin(), static_cast<long>(roll(live_.size())));
          world_.sign_out(id);
          live_.erase(id);
          ended_.insert(id);
        }
        break;
      case 3:
        crash(node);
        break;
      case 4:
        if (node != nullptr) {
          node->stop.cancel();
          note_possible_loss(node);
        }
        break;
      case 5:
      case 6:
        if (node == nullptr || (node->stop.is_cancelled() && node->scope.empty())) {
          node = world_.start();
        }
        break;
      case 7:
        trouble();
        break;
      case 8:
        world_.store.is_down = roll(3) == 0;
        for (const auto& other : nodes_) {
          if (other != nullptr && other->stop.is_cancelled()) {
            note_possible_loss(other);
          }
        }
        break;
      case 9:
        jump();
        break;
      default:
        world_.origin().delay = milliseconds(roll(3000));
    }
  }

  // Civil time, ten minutes to and fro. Not while an exchange is under way: a lease that is judged
  // by a clock that jumps then ends before its holder can know.
  void jump() {
    for (const auto& node : nodes_) {
      if (node != nullptr && node->client.under_way() > 0) {
        return;
      }
    }
    world_.fake.clock.jump_wall(is_ahead_ ? -minutes(10) : minutes(10));
    is_ahead_ = !is_ahead_;
  }

  // A process that dies takes tokens along that it had no answer for, and one that stops those that
  // the store did not take in time.
  void crash(std::unique_ptr<testing::RenewalWorld::Node>& node) {
    if (node != nullptr && node->client.under_way() > 0) {
      may_lose_ += Limits::kCallsMax;
    }
    note_possible_loss(node);
    node.reset();
  }
  void note_possible_loss(const std::unique_ptr<testing::RenewalWorld::Node>& node) {
    if (node != nullptr && !node->scope.empty() && world_.store.is_down) {
      may_lose_ += Limits::kCallsMax;
    }
  }

  void trouble() {
    is_in_trouble_ = roll(2) == 0;
    world_.idp.answers.clear();
    if (is_in_trouble_) {
      constexpr std::array<int, 4> kStatus = {500, 503, 429, 302};
      world_.idp.answers.insert_or_assign("/token", answer_json("", kStatus[roll(4)]));
    }
  }

  void look() {
    int working = 0;
    for (const auto& node : nodes_) {
      working += node != nullptr && node->client.under_way() > 0 ? 1 : 0;
    }
    ASSERT_LE(working, 1) << "two processes refresh at the same time";
    for (const std::string& id : ended_) {
      ASSERT_FALSE(world_.exists(id)) << id << " has come back";
    }
  }

  // Everything works again: one process does everything, and every session is fresh.
  void calm() {
    world_.store.is_down = false;
    world_.idp.answers.clear();
    world_.origin().delay = milliseconds(50);
    for (auto& node : nodes_) {
      if (node == nullptr || node->stop.is_cancelled()) {
        world_.fake.advance(seconds(20));
        node = world_.start();
      }
    }
    world_.fake.advance(minutes(25));
    look();
    int owners = 0;
    for (const auto& node : nodes_) {
      owners += node->renewal.status().is_owner ? 1 : 0;
    }
    EXPECT_EQ(owners, 1);
    std::size_t lost = 0;
    for (const std::string& id : live_) {
      if (!world_.exists(id)) {
        ++lost;
        continue;
      }
      EXPECT_GT(*world_.session(id).oauth_token->expires_at, world_.fake.clock.wall()) << id;
    }
    EXPECT_LE(lost, may_lose_);
    EXPECT_LE(world_.idp.consumed_tokens_seen(), static_cast<int>(may_lose_));
  }

  testing::SeededEntropy dice_;
  testing::RenewalWorld world_;
  std::array<std::unique_ptr<testing::RenewalWorld::Node>, 3> nodes_;
  std::set<std::string> live_;
  std::set<std::string> ended_;
  bool is_in_trouble_ = false;
  bool is_ahead_ = false;
  std::size_t may_lose_ = 0;
};

// Covers SES-30, DBR-22, OID-32.
TEST(RenewalSimulationTest, OneProcessRefreshesAndNoSessionComesBack) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run();
    if (::testing::Test::HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace vallum::refresh
