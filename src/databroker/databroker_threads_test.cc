// The databroker between real threads.
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "async/scope.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"

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

// Runs the task on that core and completes the future when it ended.
std::future<void> run_on(async::Core& core, async::Scope& scope, Task<void> task) {
  auto done = std::make_unique<std::promise<void>>();
  auto future = done->get_future();
  auto run = [](Task<void> inner, std::unique_ptr<std::promise<void>> end) -> Task<void> {
    co_await std::move(inner);
    end->set_value();
  };
  core.post([&scope, task = run(std::move(task), std::move(done))]() mutable {
    scope.spawn(std::move(task));
  });
  return future;
}

// Covers DBR-16.
TEST(DatabrokerThreadsTest, LeavesEveryFollowerWithWhatTheStoreHolds) {
  SystemClock clock;
  SystemEntropy entropy;
  std::vector<std::unique_ptr<Station>> stations;
  for (unsigned i = 0; i < 3; ++i) {
    stations.push_back(std::make_unique<Station>(clock, entropy, i));
  }
  Databroker broker(
      {.home = stations[0]->core, .store = std::make_unique<MemoryStore>(entropy), .cores = 3});
  std::vector<std::unique_ptr<async::Scope>> scopes;
  for (auto& station : stations) {
    station->follow(broker);
    scopes.push_back(std::make_unique<async::Scope>(station->core));
  }
  const Deadline deadline = Deadline::after(clock, 60s);
  std::map<std::string, std::string> stored;

  {
    std::vector<std::unique_ptr<async::CoreThread>> threads;
    for (auto& station : stations) {
      threads.push_back(std::make_unique<async::CoreThread>(
          station->core, async::CoreThread::Options{.name = "station", .cpu = std::nullopt}));
    }
    std::vector<std::future<void>> ends;
    for (int writer = 0; writer < 6; ++writer) {
      const auto at = static_cast<std::size_t>(writer) % 3;
      ends.push_back(
          run_on(stations[at]->core, *scopes[at], write_many(&broker, writer, 100, deadline)));
    }
    for (auto& end : ends) {
      end.get();
    }
    // A last write by each core: it returns after that core was told of everything before it.
    for (std::size_t at = 0; at < stations.size(); ++at) {
      run_on(stations[at]->core, *scopes[at], write_many(&broker, 100, 1, deadline)).get();
    }
    auto list =
        [](Databroker* from, std::map<std::string, std::string>* to, Deadline until) -> Task<void> {
      auto page = co_await from->list(kType, {}, until);
      EXPECT_TRUE(page.has_value());
      for (const Record& record : page->records) {
        (*to)[record.id] = record.value.bytes;
      }
    };
    run_on(stations[0]->core, *scopes[0], list(&broker, &stored, deadline)).get();
    for (auto& station : stations) {
      std::promise<void> told;
      station->core.post([&told] { told.set_value(); });
      told.get_future().get();
    }
  }

  for (auto& station : stations) {
    EXPECT_TRUE(station->in_order);
    EXPECT_EQ(station->copy, stored);
    station->forget();
  }
  EXPECT_FALSE(stored.empty());
}

}  // namespace
}  // namespace vallum::databroker
