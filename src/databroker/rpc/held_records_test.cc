#include "databroker/rpc/held_records.h"

#include <string>

#include <gtest/gtest.h>

#include "databroker/rpc/recent_changes.h"

namespace vallum::databroker {
namespace {

Record record(const std::string& id, std::uint64_t version, std::string bytes = "x") {
  return {.type = "t",
          .id = id,
          .value = {.type_url = "t", .bytes = std::move(bytes)},
          .version = version,
          .modified_at = {},
          .deleted_at = std::nullopt};
}
RecordKey key(const std::string& id) {
  return {.type = "t", .id = id};
}

TEST(HeldRecordsTest, TellsARecordFromOneThatDoesNotExistAndFromOneItDoesNotKnow) {
  HeldRecords held(1U << 20);
  held.hold(record("a", 1));
  held.hold_absent(key("b"), 1);

  ASSERT_TRUE(held.find(key("a")).has_value());
  EXPECT_EQ((*held.find(key("a")))->version, 1U);
  ASSERT_TRUE(held.find(key("b")).has_value());
  EXPECT_EQ(*held.find(key("b")), nullptr);
  EXPECT_FALSE(held.find(key("c")).has_value());
}

TEST(HeldRecordsTest, NeverGoesBackToAnOlderRecord) {
  HeldRecords held(1U << 20);
  held.hold(record("a", 5, "new"));
  held.hold(record("a", 4, "old"));
  held.note(record("a", 3, "older"));

  EXPECT_EQ((*held.find(key("a")))->value.bytes, "new");
}

TEST(HeldRecordsTest, HearsOfChangesOfWhatItHoldsAlone) {
  HeldRecords held(1U << 20);
  held.hold_absent(key("a"), 1);
  held.note(record("a", 2));
  held.note(record("b", 3));
  Record gone = record("a", 4);
  gone.deleted_at = WallTime{};
  const bool was_there = *held.find(key("a")) != nullptr;
  held.note(gone);

  EXPECT_TRUE(was_there);
  EXPECT_EQ(*held.find(key("a")), nullptr);
  EXPECT_FALSE(held.find(key("b")).has_value());
}

TEST(HeldRecordsTest, ForgetsWhatWasUsedLongestAgo) {
  HeldRecords held(4000);
  held.hold(record("a", 1, std::string(1000, 'x')));
  held.hold(record("b", 2, std::string(1000, 'x')));
  held.find(key("a"));
  held.hold(record("c", 3, std::string(1500, 'x')));

  EXPECT_TRUE(held.find(key("a")).has_value());
  EXPECT_FALSE(held.find(key("b")).has_value());
  EXPECT_TRUE(held.find(key("c")).has_value());
  held.hold(record("d", 4, std::string(5000, 'x')));
  EXPECT_EQ(held.size(), 0U);
}

TEST(RecentChangesTest, KnowsTheLastChangeOfEachRecordFromAVersionOn) {
  RecentChanges recent;
  recent.begin(10);
  recent.note(record("a", 11));
  recent.note(record("b", 12));
  recent.note(record("a", 13));

  const auto all = recent.after({.after_version = 10, .records_max = 10});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].version, 12U);
  EXPECT_EQ(all[1].version, 13U);
  EXPECT_EQ(recent.after({.after_version = 12, .records_max = 10}).size(), 1U);
  EXPECT_FALSE(recent.covers(9));
}

TEST(RecentChangesTest, HoldsABoundedNumber) {
  RecentChanges recent;
  recent.begin(0);
  for (std::uint64_t version = 1; version <= RecentChanges::kRecordsMax + 1; ++version) {
    recent.note(record(std::to_string(version), version));
  }

  EXPECT_FALSE(recent.covers(RecentChanges::kRecordsMax));
  EXPECT_TRUE(recent.covers(RecentChanges::kRecordsMax + 1));
}

}  // namespace
}  // namespace vallum::databroker
