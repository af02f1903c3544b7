#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/event.h"
#include "databroker/databroker.h"
#include "databroker/store/postgres_store.h"
#include "support/captured_lines.h"
#include "support/postgres/node.h"
#include "support/seeded_entropy.h"
#include "support/sim/kernel_core.h"

namespace vallum::testing {

// A node with one core and a copy of the records it was told of.
class Follower {
 public:
  Follower(const std::string& address, std::uint64_t seed) : entropy_(seed) {
    const Secret where(address);
    const auto keys = crypto::KeyEncryptionKeys::derive(Secret(PostgresNode::kSecret));
    auto store = databroker::PostgresStore::open(
        {.address = where, .keys = keys, .clock = kernel_.clock, .entropy = entropy_, .log = log_});
    EXPECT_TRUE(store.has_value()) << store.error().message();
    broker_ = std::make_unique<databroker::Databroker>(
        databroker::Databroker::Parts{.home = kernel_.core, .store = *std::move(store)});
    subscription_ = broker_->subscribe(kernel_.core,
                                       [this](const databroker::FeedEvent& event) { note(event); });
  }

  async::Core& core() { return kernel_.core; }
  // Well before the next look that nobody asked for.
  Deadline soon() { return Deadline::after(kernel_.clock, std::chrono::seconds(20)); }

  databroker::Databroker& broker() { return *broker_; }
  std::string log_text() const { return lines_.text(); }

  Result<databroker::Committed> commit(databroker::Write write) {
    databroker::Batch batch;
    batch.push_back(std::move(write));
    return async::block_on(core(), broker_->put(std::move(batch), soon()));
  }
  // Returns the version; 0 when it failed, which fails the test.
  std::uint64_t must_commit(databroker::Write write) {
    const auto committed = commit(std::move(write));
    EXPECT_TRUE(committed.has_value()) << committed.error().message();
    return committed ? committed->versions.front() : 0;
  }
  std::uint64_t put(std::string id, std::string bytes) {
    return must_commit(PostgresNode::put(std::move(id), std::move(bytes)));
  }
  // Whether it was told of that version in good time.
  bool is_told_of(std::uint64_t version) {
    return async::block_on(core(), wait_for(this, [version](const Follower& self) {
                             return self.last_version >= version;
                           }));
  }
  bool is_told_to_resync(int times) {
    return async::block_on(
        core(), wait_for(this, [times](const Follower& self) { return self.resyncs >= times; }));
  }
  std::map<std::string, std::string> stored() {
    const auto page = async::block_on(core(), broker_->list(PostgresNode::kType, {}, soon()));
    EXPECT_TRUE(page.has_value());
    std::map<std::string, std::string> held;
    for (const databroker::Record& record : page->records) {
      held[record.id] = record.value.bytes;
    }
    return held;
  }

  std::map<std::string, std::string> copy;
  std::vector<std::uint64_t> versions;
  std::uint64_t last_version = 0;
  std::uint64_t server_version = 0;
  int resyncs = 0;

 private:
  template <class Condition>
  static Task<bool> wait_for(Follower* self, Condition condition) {
    const Deadline deadline = self->soon();
    while (!condition(*self)) {
      const bool came = co_await self->changed_.wait(deadline);
      if (!came) {
        co_return false;
      }
      self->changed_.reset();
    }
    co_return true;
  }
  void note(const databroker::FeedEvent& event) {
    server_version = event.state.server_version;
    if (event.kind == databroker::FeedEvent::Kind::Resync) {
      ++resyncs;
    } else {
      for (const databroker::Record& record : event.batch->records) {
        versions.push_back(record.version);
        last_version = record.version;
        if (record.is_deleted()) {
          copy.erase(record.id);
        } else {
          copy[record.id] = record.value.bytes;
        }
      }
    }
    changed_.set();
  }

  KernelCore kernel_;
  SeededEntropy entropy_;
  CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, kernel_.clock, filter_, "databroker"};
  async::Event changed_{kernel_.core};
  std::unique_ptr<databroker::Databroker> broker_;
  std::unique_ptr<databroker::Subscription> subscription_;
};

}  // namespace vallum::testing
