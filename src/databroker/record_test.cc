#include "databroker/record.h"

#include <string>

#include <gtest/gtest.h>

#include "databroker/encoding.h"

namespace vallum::databroker {
namespace {

Batch one(std::string type, std::string id, std::string type_url = "t/T", std::string bytes = "v") {
  return {Write::put({.type = std::move(type), .id = std::move(id)},
                     {.type_url = std::move(type_url), .bytes = std::move(bytes)})};
}

bool is_accepted(const Batch& batch) {
  const auto checked = check_batch(batch, Limits{});
  EXPECT_TRUE(checked || checked.error().kind() == ErrorKind::InvalidInput);
  return checked.has_value();
}

TEST(BatchTest, AcceptsAnyTypeTheStoreKnowsNothingOf) {
  EXPECT_TRUE(is_accepted(one("pomerium.io/DirectoryUser", "u1")));
  EXPECT_TRUE(is_accepted(one("type.googleapis.com/x.Y", "u1", "type.googleapis.com/x.Y")));
}

// Covers DBR-10.
TEST(BatchTest, RefusesKeysThatAreEmptyLongOrNotPlainText) {
  EXPECT_FALSE(is_accepted(one("", "id")));
  EXPECT_FALSE(is_accepted(one("t", "")));
  EXPECT_FALSE(is_accepted(one("t", std::string(1U << 20, 'x'))));
  EXPECT_FALSE(is_accepted(one(std::string(257, 't'), "id")));
  EXPECT_FALSE(is_accepted(one("t", std::string("a\0b", 3))));
  EXPECT_FALSE(is_accepted(one(std::string("t\0", 2), "id")));
  EXPECT_FALSE(is_accepted(one("t", "\xc0\xaf")));
}

// Covers DBR-10.
TEST(BatchTest, RefusesAValueOfAnotherTypeThanTheRecord) {
  EXPECT_FALSE(is_accepted(
      one("type.googleapis.com/session.Session", "id", "type.googleapis.com/user.User")));
  EXPECT_FALSE(is_accepted(one("t", "id", "")));
}

// Covers DBR-11.
TEST(BatchTest, RefusesTooManyTooMuchAndNothing) {
  Batch many;
  for (int i = 0; i < 1025; ++i) {
    many.push_back(one("t", std::to_string(i)).front());
  }
  Batch heavy;
  for (int i = 0; i < 5; ++i) {
    heavy.push_back(one("t", std::to_string(i), "t/T", std::string(1U << 20, 'x')).front());
  }

  EXPECT_FALSE(is_accepted(many));
  EXPECT_FALSE(is_accepted(heavy));
  EXPECT_FALSE(is_accepted(one("t", "id", "t/T", std::string((1U << 20) + 1, 'x'))));
  EXPECT_FALSE(is_accepted({}));
}

TEST(BatchTest, RefusesOneKeyTwice) {
  Batch twice = one("t", "id");
  twice.push_back(Write::remove({.type = "t", .id = "id"}));

  EXPECT_FALSE(is_accepted(twice));
}

TEST(EncodingTest, KeepsEveryField) {
  const Record record{.type = "t",
                      .id = "i",
                      .value = {.type_url = "u", .bytes = std::string("\0\1\xff", 3)},
                      .version = 18446744073709551615U,
                      .modified_at = from_unix_seconds(1700000000) + Duration(5),
                      .deleted_at = std::nullopt};
  Record tombstone = record;
  tombstone.value = {};
  tombstone.deleted_at = from_unix_seconds(-1) + Duration(999999999);

  EXPECT_EQ(decode_record(as_bytes(encode_record(record))), record);
  EXPECT_EQ(decode_record(as_bytes(encode_record(tombstone))), tombstone);
}

TEST(EncodingTest, FailsOnBytesThatAreNoRecord) {
  EXPECT_FALSE(decode_record(as_bytes("\xff\xff\xff\xff")).has_value());
}

}  // namespace
}  // namespace vallum::databroker
