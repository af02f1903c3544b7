// Two nodes on one data set, in virtual time: writers, followers and holders of a lease, a store
// that fails, answers that are lost, nodes that crash, and a civil clock that jumps.
//
// VALLUM_SIM_SEED=17 runs that seed alone, VALLUM_SIM_SEEDS=2000 so many.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/strings.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "support/seeded_entropy.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kType = "type.example/Session";
constexpr const char* kJob = "job";
constexpr Duration kLeaseTime = seconds(30);

RecordKey key_of(const std::string& id) {
  return {.type = kType, .id = id};
}
Write put(const std::string& id, const std::string& tag) {
  return Write::put(key_of(id), {.type_url = kType, .bytes = tag});
}

// The data set that outlives the nodes, and what goes wrong with it.
struct SharedRecords {
  explicit SharedRecords(std::uint64_t seed) : entropy(seed), dice(seed + 1), records(entropy) {}

  bool one_in(std::uint64_t sides) { return has_trouble && dice.next_u64() % sides == 0; }

  testing::SeededEntropy entropy;
  testing::SeededEntropy dice;
  MemoryStore records;
  bool has_trouble = true;
};

// One node's way to it.
class SharedStore final : public Store {
 public:
  explicit SharedStore(SharedRecords& set) : set_(set), known_(set.records.state()) {}

  // A node knows what it has seen, as with a database.
  StoreState state() const override { return known_; }
  Result<StoreState> refresh() override { return seen(Result<StoreState>(set_.records.state())); }

  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override {
    if (set_.one_in(12)) {
      return unavailable();
    }
    auto outcomes = set_.records.commit(std::move(batches), now);
    if (set_.one_in(12)) {
      return fail(ErrorKind::DeadlineExceeded, "the answer was lost");
    }
    return seen(std::move(outcomes));
  }
  Result<Record> get(const RecordKey& key) override {
    return set_.one_in(20) ? Result<Record>(unavailable()) : seen(set_.records.get(key));
  }
  Result<std::vector<Record>> list(std::string_view type, Page page) override {
    return set_.one_in(20) ? Result<std::vector<Record>>(unavailable())
                           : seen(set_.records.list(type, page));
  }
  Result<std::vector<Record>> changes(Page page) override {
    return set_.one_in(20) ? Result<std::vector<Record>>(unavailable())
                           : seen(set_.records.changes(page));
  }
  Result<std::vector<Record>> find(std::string_view type,
                                   const std::vector<IndexEntry>& any_of,
                                   Page page) override {
    return set_.records.find(type, any_of, page);
  }
  Result<std::vector<std::string>> types() override { return set_.records.types(); }
  Result<std::uint64_t> count(std::string_view type) override { return set_.records.count(type); }
  Result<std::size_t> prune_tombstones(WallTime before) override {
    return seen(set_.records.prune_tombstones(before));
  }
  Result<OptionsByType> options() override { return set_.records.options(); }
  Result<void> set_options(std::string_view type, const TypeOptions& options) override {
    return set_.records.set_options(type, options);
  }
  Result<Lease> acquire_lease(std::string_view name,
                              std::string_view id,
                              Duration duration,
                              WallTime now) override {
    return lease(set_.records.acquire_lease(name, id, duration, now));
  }
  Result<Lease> renew_lease(std::string_view name,
                            std::string_view id,
                            Duration duration,
                            WallTime now) override {
    return lease(set_.records.renew_lease(name, id, duration, now));
  }
  Result<void> release_lease(std::string_view name, std::string_view id) override {
    return set_.records.release_lease(name, id);
  }
  Result<void> clear() override { return set_.records.clear(); }

 private:
  static Unexpected unavailable() { return fail(ErrorKind::Unavailable, "no room"); }
  Result<Lease> lease(Result<Lease> done) {
    return set_.one_in(12) ? Result<Lease>(fail(ErrorKind::DeadlineExceeded, "lost")) : done;
  }
  template <class T>
  Result<T> seen(Result<T> answer) {
    known_ = set_.records.state();
    return answer;
  }

  SharedRecords& set_;
  StoreState known_;
};

// A write as its writer knows it, by the tag that is its value.
struct Attempt {
  enum class Said : std::uint8_t { Nothing, Acknowledged, NotWritten };
  std::string id;
  bool is_removal = false;
  Said said = Said::Nothing;  // nothing, too, when nobody knows
  std::uint64_t version = 0;
};

// Everything that was asked for and answered, which outlives the nodes.
struct Ledger {
  std::map<std::string, Attempt> attempts;  // by tag
  std::uint64_t last_tag = 0;
  // The highest version anybody was told.
  std::uint64_t told = 0;
  std::vector<std::string> sessions;
  std::set<std::string> ended;
  std::set<std::uint64_t> versions;
  std::uint64_t last_epoch = 0;
  int acknowledged = 0;
  int terms = 0;
};

// What one subscriber made of the feed, as docs of Subscription have it.
class Reader {
 public:
  Reader(async::Core& core, Databroker& broker)
      : core_(core), broker_(broker), read_wanted_(core), scope_(core) {
    subscription_ = broker_.subscribe(core_, [this](const FeedEvent& event) { note(event); });
    scope_.spawn(read_all(this));
  }

  std::map<std::string, std::string> copy;

 private:
  void note(const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync) {
      copy.clear();
      versions_.clear();
      last_version_ = 0;
      read_wanted_.set();
      return;
    }
    for (const Record& record : event.batch->records) {
      EXPECT_GT(record.version, last_version_) << "a change was told twice, or out of order";
      last_version_ = record.version;
      take(record);
    }
  }
  void take(const Record& record) {
    std::uint64_t& version = versions_[record.id];
    if (record.version <= version) {
      return;
    }
    version = record.version;
    copy.erase(record.id);
    if (!record.is_deleted()) {
      copy[record.id] = record.value.bytes;
    }
  }
  static Task<void> read_all(Reader* self) {
    for (;;) {
      co_await self->read_wanted_.wait();
      self->read_wanted_.reset();
      Page page;
      for (bool is_more = true; is_more;) {
        const Deadline deadline = self->core_.deadline_in(seconds(5));
        const auto fetched = co_await self->broker_.list(kType, page, deadline);
        if (!fetched) {
          co_await async::sleep_for(self->core_, seconds(1));
          continue;
        }
        for (const Record& record : fetched->records) {
          self->take(record);
          page.after_version = record.version;
        }
        is_more = !fetched->records.empty() && !self->read_wanted_.is_set();
      }
    }
  }

  async::Core& core_;
  Databroker& broker_;
  std::map<std::string, std::uint64_t> versions_;
  std::uint64_t last_version_ = 0;
  async::Event read_wanted_;
  async::Scope scope_;
  std::unique_ptr<Subscription> subscription_;
};

// A process.
class Node {
 public:
  Node(testing::FakeCore& fake, SharedRecords& set, Ledger& ledger)
      : fake_(fake),
        set_(set),
        ledger_(ledger),
        name_(fake.core.entropy().uuid()),
        broker_({.home = fake.core,
                 .store = std::make_unique<SharedStore>(set),
                 .storage = Databroker::Storage::OnCallingCore}),
        reader_(std::in_place, fake.core, broker_),
        scope_(fake.core) {
    for (int writer = 0; writer < 3; ++writer) {
      scope_.spawn(write_on(this));
    }
    scope_.spawn(hold_on(this));
  }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  // What the core was told to do with the databroker is done before it goes; nobody hears of it.
  ~Node() {
    scope_.cancel_children();
    reader_.reset();
    fake_.run_ready();
  }

  // Whether it would do now what only the holder may. Looks at the clock often: what civil time
  // ended is over when it jumps back, too.
  bool believes_to_hold() {
    if (fake_.clock.wall() >= held_until_wall_) {
      held_until_ = Instant{};
    }
    return fake_.clock.now() < held_until_;
  }
  const Reader& reader() const { return *reader_; }
  void stop() { scope_.cancel_children(); }

 private:
  std::uint64_t roll(std::uint64_t sides) { return set_.dice.next_u64() % sides; }
  Deadline soon() const { return fake_.core.deadline_in(seconds(5)); }

  // Notes the attempt, makes it, and notes what was said.
  static Task<void> attempt(Node* self, Write write, bool is_removal) {
    Ledger& ledger = self->ledger_;
    const std::string tag = write.value ? write.value->bytes : new_tag(ledger);
    const std::string id = write.id;
    ledger.attempts[tag] = {.id = id, .is_removal = is_removal};
    const std::uint64_t floor = ledger.told;
    Batch batch;
    batch.push_back(std::move(write));
    const auto done = co_await self->broker_.put(std::move(batch), self->soon());
    Attempt& noted = ledger.attempts[tag];
    if (done) {
      noted.said = Attempt::Said::Acknowledged;
      noted.version = done->versions.front();
      EXPECT_GT(noted.version, floor) << "what was acknowledged before has a higher version";
      EXPECT_TRUE(ledger.versions.insert(noted.version).second) << "a version was used twice";
      ledger.told = std::max(ledger.told, noted.version);
      ++ledger.acknowledged;
      if (is_removal) {
        ledger.ended.insert(id);
      }
    } else if (done.error().kind() != ErrorKind::DeadlineExceeded) {
      noted.said = Attempt::Said::NotWritten;
    }
  }
  static std::string new_tag(Ledger& ledger) { return "tag" + std::to_string(++ledger.last_tag); }

  // Signs in, signs out, and changes sessions as they were read.
  static Task<void> write_on(Node* self) {
    Ledger& ledger = self->ledger_;
    for (;;) {
      co_await async::sleep_for(self->fake_.core, milliseconds(self->roll(3000)));
      const std::uint64_t what = self->roll(10);
      if (what < 3 || ledger.sessions.empty()) {
        const std::string id = "session" + std::to_string(ledger.sessions.size());
        ledger.sessions.push_back(id);
        co_await attempt(self, put(id, new_tag(ledger)).if_absent(), false);
        continue;
      }
      const std::string id = ledger.sessions[self->roll(ledger.sessions.size())];
      if (what < 5) {
        co_await attempt(self, Write::remove(key_of(id)), true);
        continue;
      }
      const auto found = co_await self->broker_.get(key_of(id), self->soon());
      if (found) {
        co_await async::sleep_for(self->fake_.core, milliseconds(self->roll(2000)));
        co_await attempt(self, put(id, new_tag(ledger)).if_version(found->version), false);
      }
    }
  }

  static Task<void> hold_on(Node* self) {
    for (;;) {
      co_await async::sleep_for(self->fake_.core, milliseconds(self->roll(20000)));
      Instant asked = self->fake_.clock.now();
      WallTime asked_wall = self->fake_.clock.wall();
      auto lease =
          co_await self->broker_.acquire_lease(kJob, self->name_, kLeaseTime, self->soon());
      if (lease) {
        EXPECT_GT(lease->epoch, self->ledger_.last_epoch);
        self->ledger_.last_epoch = lease->epoch;
        ++self->ledger_.terms;
      }
      while (lease) {
        self->held_until_ = asked + kLeaseTime;
        self->held_until_wall_ = asked_wall + kLeaseTime;
        const Fence fence{.lease = kJob, .epoch = lease->epoch};
        co_await attempt_fenced(self, fence);
        co_await async::sleep_for(self->fake_.core, milliseconds(self->roll(15000)));
        asked = self->fake_.clock.now();
        asked_wall = self->fake_.clock.wall();
        lease = co_await self->broker_.renew_lease(kJob, self->name_, kLeaseTime, self->soon());
      }
      // It may have been renewed all the same, which harms nobody.
      self->held_until_ = Instant{};
    }
  }
  static Task<void> attempt_fenced(Node* self, Fence fence) {
    Batch batch;
    batch.push_back(put("kept by the holder", new_tag(self->ledger_)).fenced_by(fence));
    const auto done = co_await self->broker_.put(std::move(batch), self->soon());
    if (done) {
      EXPECT_EQ(fence.epoch, self->ledger_.last_epoch) << "a write of who had lost the lease";
    }
  }

  testing::FakeCore& fake_;
  SharedRecords& set_;
  Ledger& ledger_;
  std::string name_;
  Instant held_until_{};
  WallTime held_until_wall_{};
  Databroker broker_;
  std::optional<Reader> reader_;
  async::Scope scope_;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : fake_(seed), set_(seed * 3 + 1), dice_(seed * 5 + 2) {
    fake_.advance(seconds(1));
  }

  void run() {
    for (int step = 0; step < 60; ++step) {
      act();
      for (std::uint64_t i = roll(20); i > 0; --i) {
        fake_.advance(milliseconds(200 + roll(2000)));
        look_for_holders();
      }
      look_for_ended();
    }
    calm();
  }

 private:
  std::uint64_t roll(std::uint64_t sides) { return dice_.next_u64() % sides; }

  void act() {
    std::unique_ptr<Node>& node = nodes_[roll(nodes_.size())];
    switch (roll(6)) {
      case 0:
        node.reset();  // a crash: what was under way is never answered
        break;
      case 1:
        fake_.clock.jump_wall(is_ahead_ ? -minutes(10) : minutes(10));
        is_ahead_ = !is_ahead_;
        break;
      default:
        if (node == nullptr) {
          node = std::make_unique<Node>(fake_, set_, ledger_);
        }
    }
  }

  void look_for_holders() {
    int holders = 0;
    for (const auto& node : nodes_) {
      holders += node != nullptr && node->believes_to_hold() ? 1 : 0;
    }
    ASSERT_LE(holders, 1) << "two hold the lease";
  }
  void look_for_ended() {
    for (const std::string& id : ledger_.ended) {
      ASSERT_FALSE(set_.records.get(key_of(id)).has_value()) << id << " has come back";
    }
  }

  // Nothing fails any more and nobody writes: everybody has the same, and it is what was said.
  void calm() {
    set_.has_trouble = false;
    for (auto& node : nodes_) {
      if (node == nullptr) {
        node = std::make_unique<Node>(fake_, set_, ledger_);
      }
    }
    fake_.advance(minutes(2));
    for (auto& node : nodes_) {
      node->stop();
    }
    fake_.advance(minutes(2));
    look_for_ended();
    std::map<std::string, Record> stored;
    Page page;
    for (auto records = *set_.records.list(kType, page); !records.empty();
         records = *set_.records.list(kType, page)) {
      for (Record& record : records) {
        page.after_version = record.version;
        stored.emplace(record.id, std::move(record));
      }
    }
    for (const auto& node : nodes_) {
      std::map<std::string, std::string> expected;
      for (const auto& [id, record] : stored) {
        expected.emplace(id, record.value.bytes);
      }
      EXPECT_EQ(node->reader().copy, expected);
    }
    stored.erase("kept by the holder");
    check(stored);
    EXPECT_GT(ledger_.acknowledged, 20);
    EXPECT_GT(ledger_.terms, 0);
  }

  // By the version at which each session was last acknowledged to be changed.
  void check(const std::map<std::string, Record>& stored) {
    for (const auto& [tag, attempt] : ledger_.attempts) {
      const auto found = stored.find(attempt.id);
      const bool is_there = found != stored.end() && found->second.value.bytes == tag;
      if (attempt.said == Attempt::Said::NotWritten) {
        EXPECT_FALSE(is_there) << tag << " was called not written";
      }
      if (attempt.said != Attempt::Said::Acknowledged || attempt.is_removal) {
        continue;
      }
      if (found != stored.end()) {
        EXPECT_GE(found->second.version, attempt.version) << tag << " was lost";
        EXPECT_TRUE(is_there || found->second.version != attempt.version) << tag << " was altered";
      } else {
        EXPECT_TRUE(may_be_ended(attempt.id)) << tag << " was lost";
      }
    }
  }
  bool may_be_ended(const std::string& id) const {
    return std::ranges::any_of(ledger_.attempts, [&](const auto& item) {
      return item.second.id == id && item.second.is_removal &&
             item.second.said != Attempt::Said::NotWritten;
    });
  }

  testing::FakeCore fake_;
  SharedRecords set_;
  testing::SeededEntropy dice_;
  Ledger ledger_;
  std::array<std::unique_ptr<Node>, 2> nodes_;
  bool is_ahead_ = false;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : parse_u64(text).value_or(otherwise);
}

// Covers DBR-16, DBR-22.
TEST(DatabrokerSimulationTest, LosesNothingRevivesNothingAndHasOneHolder) {
  const std::uint64_t only = from_environment("VALLUM_SIM_SEED", 0);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? from_environment("VALLUM_SIM_SEEDS", 12) : only;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("VALLUM_SIM_SEED=" + std::to_string(seed));
    Simulation(seed).run();
    if (::testing::Test::HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace vallum::databroker
