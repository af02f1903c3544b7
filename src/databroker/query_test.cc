#include "databroker/query.h"

#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "databroker/store/memory_store.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

constexpr const char* kType = "test/Thing";

google::protobuf::Struct structure(std::string_view json) {
  google::protobuf::Struct message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(json), &message).ok());
  return message;
}

class QueryTest : public ::testing::Test {
 protected:
  void put(std::string id, std::string_view json) {
    std::vector<Batch> batches(1);
    batches[0].push_back(Write::put({.type = kType, .id = std::move(id)},
                                    {.type_url = "type.googleapis.com/google.protobuf.Struct",
                                     .bytes = structure(json).SerializeAsString()}));
    ASSERT_TRUE(store_.commit(std::move(batches), clock_.wall())->front().has_value());
  }
  Query query(std::string_view filter = "{}", std::string text = "") {
    return {.type = kType,
            .text = std::move(text),
            .filter = *Filter::parse(*decode_struct(structure(filter).SerializeAsString())),
            .offset = 0,
            .limit = 100};
  }
  Result<QueryAnswer> run(const Query& query) {
    return run_query(store_, *store_.options(), query, limits_);
  }
  std::string ids(const Query& query) {
    const auto answer = run(query);
    if (!answer) {
      return std::string(answer.error().message());
    }
    std::string ids;
    for (const Record& record : answer->records) {
      ids += record.id + " ";
    }
    return ids + "of " + std::to_string(answer->total_count);
  }

  Limits limits_;
  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{7};
  MemoryStore store_{entropy_};
};

TEST_F(QueryTest, ReturnsMatchesInTheOrderOfTheirIds) {
  put("c", R"({"n": 1})");
  put("a", R"({"n": 1})");
  put("b", R"({"n": 2})");

  EXPECT_EQ(ids(query()), "a b c of 3");
  EXPECT_EQ(ids(query(R"({"n": 1})")), "a c of 2");
}

TEST_F(QueryTest, CountsAllMatchesWhateverPartItReturns) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    put(id, R"({"n": 1})");
  }
  Query part = query(R"({"n": 1})");
  part.offset = 1;
  part.limit = 2;
  Query none = query(R"({"n": 1})");
  none.limit = 0;
  Query count = query();
  count.limit = 0;
  Query beyond = query();
  beyond.offset = 9;

  EXPECT_EQ(ids(part), "b c of 5");
  EXPECT_EQ(ids(none), "of 5");
  EXPECT_EQ(ids(count), "of 5");
  EXPECT_EQ(ids(beyond), "of 5");
}

TEST_F(QueryTest, FindsTextWhateverItsCase) {
  put("a", R"({"who": {"name": "Ann LEE"}})");
  put("b", R"({"who": {"name": "Bo"}})");

  EXPECT_EQ(ids(query("{}", "aNn lee")), "a of 1");
  EXPECT_EQ(ids(query(R"({"who.name": "Bo"})", "ann")), "of 0");
}

TEST_F(QueryTest, SaysWhichVersionItSaw) {
  put("a", "{}");

  const auto answer = run(query());

  EXPECT_EQ(answer->state, store_.state());
}

TEST_F(QueryTest, AnIndexChangesWhatIsReadAndNotWhatIsFound) {
  for (int i = 0; i < 30; ++i) {
    put("r" + std::to_string(10 + i), R"({"user": ")" + std::to_string(i % 3) + R"("})");
  }
  const Query wanted = query(R"({"user": "1"})");
  const std::string scanned = ids(wanted);
  limits_.scan_records_max = 10;
  EXPECT_TRUE(ids(wanted).starts_with("query: too many records")) << ids(wanted);
  EXPECT_EQ(run(wanted).error().kind(), ErrorKind::ResourceExhausted);

  const TypeOptions options{
      .capacity = std::nullopt, .indexable_fields = {"user"}, .ttl = std::nullopt};
  ASSERT_TRUE(store_.set_options(kType, options).has_value());

  EXPECT_EQ(ids(wanted), scanned);
  EXPECT_TRUE(scanned.ends_with("of 10")) << scanned;
}

TEST_F(QueryTest, ReadsByIdHoweverManyRecordsThereAre) {
  for (int i = 0; i < 20; ++i) {
    put(std::to_string(i), "{}");
  }
  limits_.scan_records_max = 10;

  EXPECT_EQ(ids(query(R"({"id": ["7", "3", "none"]})")), "3 7 of 2");
  EXPECT_EQ(ids(query(R"({"id": ""})")), "of 0");
}

TEST_F(QueryTest, RefusesAnAnswerThatIsTooLong) {
  put("a", R"({"text": ")" + std::string(600, 'x') + R"("})");
  put("b", R"({"text": ")" + std::string(600, 'x') + R"("})");
  limits_.answer_bytes_max = 1000;
  Query one = query();
  one.limit = 1;

  EXPECT_EQ(run(query()).error().kind(), ErrorKind::ResourceExhausted);
  EXPECT_EQ(ids(one), "a of 2");
}

TEST_F(QueryTest, SaysThatValuesOfUnknownTypesCannotBeLookedInto) {
  std::vector<Batch> batches(1);
  batches[0].push_back(Write::put({.type = kType, .id = "x"},
                                  {.type_url = "type.googleapis.com/some.Thing", .bytes = "\xff"}));
  ASSERT_TRUE(store_.commit(std::move(batches), clock_.wall())->front().has_value());

  EXPECT_EQ(ids(query()), "x of 1");
  EXPECT_EQ(ids(query(R"({"id": "x"})")), "x of 1");
  EXPECT_EQ(ids(query(R"({"$not": {"id": "y"}})")), "x of 1");
  EXPECT_TRUE(ids(query(R"({"n": 1})")).contains("some.Thing are not known here"));
  EXPECT_TRUE(ids(query(R"({"$not": {"n": 1}})")).contains("some.Thing are not known here"));
  EXPECT_TRUE(ids(query("{}", "text")).contains("some.Thing are not known here"));
}

}  // namespace
}  // namespace vallum::databroker
