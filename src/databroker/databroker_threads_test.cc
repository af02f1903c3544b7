// The databroker between real threads.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "async/event.h"
#include "async/on_core.h"
#include "async/scope.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

constexpr const char* kType = "type.example/Thing";

// One core on a thread of its own, with a copy of the records it was told of.
class Station {
 public:
  Station(const Clock& clock, Entropy& entropy, unsigned index)
      : reactor_(*async::EpollReactor::create()),
        core({.reactor = *reactor_, .clock = clock, .entropy = entropy, .index = index}) {}

  void follow(Databroker& broker) {
    subscription_ = broker.subscribe(core, [this](const FeedEvent& event) { note(event); });
  }
  void note(const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync) {
      return;  // the test writes only after everybody follows, within the feed's limit
    }
    for (const Record& record : event.batch->records) {
      in_order = in_order && record.version > last_version;
      last_version = record.version;
      if (record.is_deleted()) {
        copy.erase(record.id);
      } else {
        copy[record.id] = record.value.bytes;
      }
    }
  }
  void forget() { subscription_.reset(); }

 private:
  std::unique_ptr<async::EpollReactor> reactor_;

 public:
  async::Core core;
  std::map<std::string, std::string> copy;
  std::uint64_t last_version = 0;
  bool in_order = true;

 private:
  std::unique_ptr<Subscription> subscription_;
};

Task<void> write_many(Databroker* broker, int writer, int count, Deadline deadline) {
  for (int i = 0; i < count; ++i) {
    const std::string id = std::to_string((writer + i) % 10);
    const RecordKey key{.type = kType, .id = id};
    Batch batch;
    if (i % 5 == 4) {
      batch.push_back(Write::remove(key));
    } else {
      std::string text = std::to_string(writer) + ":" + std::to_string(i);
      batch.push_back(Write::put(key, {.type_url = kType, .bytes = std::move(text)}));
    }
    auto committed = co_await broker->put(std::move(batch), deadline);
    EXPECT_TRUE(committed.has_value());
    auto read = co_await broker->get(key, deadline);
    EXPECT_TRUE(read.has_value() || read.error().kind() == ErrorKind::NotFound);
  }
}

// Spawns the task on that core; the event on the home core is set when all of `left` ended.
struct Finish {
  async::Core& home;
  async::Event all;
  int left;
};

void start_on(async::Core& core, async::Scope& scope, Task<void> task, Finish* finish) {
  auto run = [](Task<void> inner, Finish* end) -> Task<void> {
    co_await std::move(inner);
    end->home.post([end] {
      if (--end->left == 0) {
        end->all.set();
      }
    });
  };
  core.post(
      [&scope, task = run(std::move(task), finish)]() mutable { scope.spawn(std::move(task)); });
}

Task<void> wait_for_all(Finish* finish) {
  co_await finish->all.wait();
}

Task<void> forget_on(async::Core* core, Station* station) {
  auto forget = [station] { station->forget(); };
  co_await async::on(*core, std::move(forget));
}

// Covers DBR-16.
TEST(DatabrokerThreadsTest, LeavesEveryFollowerWithWhatTheStoreHolds) {
  testing::VirtualClock clock;
  SystemEntropy entropy;
  std::vector<std::unique_ptr<Station>> stations;
  stations.reserve(3);
  for (unsigned i = 0; i < 3; ++i) {
    stations.push_back(std::make_unique<Station>(clock, entropy, i));
  }
  async::Core& home = stations[0]->core;
  Databroker broker({.home = home, .store = std::make_unique<MemoryStore>(entropy), .cores = 3});
  std::vector<std::unique_ptr<async::Scope>> scopes;
  for (auto& station : stations) {
    station->follow(broker);
    scopes.push_back(std::make_unique<async::Scope>(station->core));
  }
  const Deadline deadline = Deadline::after(clock, 60s);
  std::vector<std::unique_ptr<async::CoreThread>> threads;
  for (std::size_t i = 1; i < stations.size(); ++i) {
    threads.push_back(std::make_unique<async::CoreThread>(
        stations[i]->core, async::CoreThread::Options{.name = "station", .cpu = std::nullopt}));
  }

  Finish writers{.home = home, .all = async::Event(home), .left = 6};
  for (int writer = 0; writer < 6; ++writer) {
    const auto at = static_cast<std::size_t>(writer) % 3;
    start_on(stations[at]->core, *scopes[at], write_many(&broker, writer, 100, deadline), &writers);
  }
  async::block_on(home, wait_for_all(&writers));
  auto stored = async::block_on(home, broker.list(kType, {}, deadline));

  // By the time a core has run this message it has run every event posted to it before.
  for (auto& station : stations) {
    async::block_on(home, forget_on(&station->core, station.get()));
  }
  ASSERT_TRUE(stored.has_value());
  std::map<std::string, std::string> held;
  for (const Record& record : stored->records) {
    held[record.id] = record.value.bytes;
  }
  EXPECT_FALSE(held.empty());
  for (auto& station : stations) {
    EXPECT_TRUE(station->in_order);
    EXPECT_EQ(station->copy, held);
  }
}

}  // namespace
}  // namespace vallum::databroker
