#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/index_entries.h"
#include "databroker/store/postgres_store.h"
#include "support/captured_lines.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::testing {

// One node's store, with what it keeps beside it. For modules that link databroker.
class PostgresNode {
 public:
  static constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
  static constexpr const char* kType = "type.example/Thing";

  PostgresNode(const std::string& address, std::uint64_t seed) : entropy(seed), address_(address) {}

  Result<std::unique_ptr<databroker::PostgresStore>> try_open(std::string_view secret = kSecret,
                                                              int questions_max = 8) {
    const auto keys = crypto::KeyEncryptionKeys::derive(Secret(secret));
    return databroker::PostgresStore::open({.address = address_,
                                            .keys = keys,
                                            .clock = clock,
                                            .entropy = entropy,
                                            .log = log,
                                            .commit_questions_max = questions_max});
  }
  // Opens again.
  databroker::PostgresStore& open(int questions_max = 8) {
    store_.reset();
    auto opened = try_open(kSecret, questions_max);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    store_ = *std::move(opened);
    return *store_;
  }
  databroker::PostgresStore& store() { return *store_; }
  void close() { store_.reset(); }

  static databroker::RecordKey key(std::string id) { return {.type = kType, .id = std::move(id)}; }
  static databroker::Write put(std::string id, std::string bytes) {
    return databroker::Write::put(key(std::move(id)),
                                  {.type_url = kType, .bytes = std::move(bytes)});
  }
  static databroker::Write remove(std::string id) {
    return databroker::Write::remove(key(std::move(id)));
  }

  // A record whose value can be looked into.
  static databroker::Write put_json(std::string id, std::string_view json);
  // Ids of the records with that value in an indexed field.
  std::vector<std::string> found(std::string_view field, std::string_view value) {
    const auto records = store_->find(kType, databroker::probes_for(field, value), {});
    EXPECT_TRUE(records.has_value()) << records.error().message();
    std::vector<std::string> ids;
    for (const databroker::Record& record : *records) {
      ids.push_back(record.id);
    }
    return ids;
  }

  databroker::BatchOutcome commit(databroker::Write write) {
    std::vector<databroker::Batch> batches(1);
    batches[0].push_back(std::move(write));
    auto outcomes = store_->commit(std::move(batches), clock.wall());
    return outcomes ? std::move(outcomes->front())
                    : databroker::BatchOutcome(fail(outcomes.error()));
  }
  // Returns the version; 0 when it failed, which fails the test.
  std::uint64_t must_commit(databroker::Write write) {
    const auto outcome = commit(std::move(write));
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message();
    return outcome ? outcome->front().version : 0;
  }
  // The value, or the name of the failure.
  std::string read(const std::string& id) {
    const auto record = store_->get(key(id));
    return record ? record->value.bytes : std::string(to_string(record.error().kind()));
  }

  VirtualClock clock;
  SeededEntropy entropy;
  CapturedLines lines;
  telemetry::LogFilter filter{telemetry::LogLevel::Info};
  telemetry::Log log{lines, clock, filter, "databroker"};

 private:
  Secret address_;
  std::unique_ptr<databroker::PostgresStore> store_;
};

}  // namespace vallum::testing
