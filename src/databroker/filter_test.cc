#include "databroker/filter.h"

#include <algorithm>
#include <string>
#include <vector>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace vallum::databroker {
namespace {

std::string struct_bytes(std::string_view json) {
  google::protobuf::Struct message;
  const auto read = google::protobuf::util::JsonStringToMessage(std::string(json), &message);
  EXPECT_TRUE(read.ok()) << json << ": " << read.ToString();
  return message.SerializeAsString();
}

Result<Filter> parse(std::string_view json) {
  return Filter::parse(*decode_struct(struct_bytes(json)));
}

constexpr std::string_view kRecord = R"({
  "name": "Ann Lee", "age": 30, "big": 9007199254740991, "admin": true, "nothing": null,
  "empty": "", "none": [], "roles": ["admin", "user"], "at": "2026-03-01T12:00:00+01:00",
  "team": {"name": "red", "lead": {"name": "Bo"}},
  "members": [{"name": "x"}, {"name": "y"}],
  "$index": {"cidr": "10.1.0.0/16"}})";

struct FilterCase {
  const char* filter;
  bool matches;
};

class FilterTest : public ::testing::TestWithParam<FilterCase> {};

TEST_P(FilterTest, JudgesARecord) {
  const auto filter = parse(GetParam().filter);
  Record record;
  record.type = "t";
  record.id = "r1";

  ASSERT_TRUE(filter.has_value()) << filter.error().message();
  EXPECT_EQ(filter->matches(record, decode_struct(struct_bytes(kRecord))), GetParam().matches)
      << GetParam().filter;
}

INSTANTIATE_TEST_SUITE_P(
    Grammar,
    FilterTest,
    ::testing::Values(FilterCase{R"({})", true},
                      FilterCase{R"({"name": "Ann Lee"})", true},
                      FilterCase{R"({"name": "Ann"})", false},
                      FilterCase{R"({"name": "Ann Lee", "age": 30})", true},
                      FilterCase{R"({"name": "Ann Lee", "age": 31})", false},
                      FilterCase{R"({"name": ["Bo", "Ann Lee"]})", true},
                      FilterCase{R"({"name": []})", false},
                      FilterCase{R"({"admin": true})", true},
                      FilterCase{R"({"admin": false})", false},
                      FilterCase{R"({"nothing": null})", true},
                      FilterCase{R"({"missing": null})", true},
                      FilterCase{R"({"name": null})", false},
                      FilterCase{R"({"team.name": "red"})", true},
                      FilterCase{R"({"team": {"name": "red"}})", true},
                      FilterCase{R"({"team": {"lead.name": "Bo", "name": "red"}})", true},
                      FilterCase{R"({"team": {"lead": {"name": "Al"}}})", false},
                      FilterCase{R"({"roles": "user"})", true},
                      FilterCase{R"({"members.name": "y"})", true},
                      FilterCase{R"({"members.name": "z"})", false}));

INSTANTIATE_TEST_SUITE_P(
    Operators,
    FilterTest,
    ::testing::Values(FilterCase{R"({"name": {"=": "Ann Lee"}})", true},
                      FilterCase{R"({"name": {"==": "Ann Lee"}})", true},
                      FilterCase{R"({"name": {"$eq": "Ann Lee"}})", true},
                      FilterCase{R"({"name": {"$equals": "Ann Lee"}})", true},
                      FilterCase{R"({"name": {"$is": "Ann Lee"}})", true},
                      FilterCase{R"({"name": {"!=": "Ann Lee"}})", false},
                      FilterCase{R"({"name": {"$doesNotEqual": "Bo"}})", true},
                      FilterCase{R"({"age": {">": 29}})", true},
                      FilterCase{R"({"age": {">": 30}})", false},
                      FilterCase{R"({"age": {">=": 30, "<": 31}})", true},
                      FilterCase{R"({"age": {"<=": 9}})", false},
                      FilterCase{R"({"age": {"<": 100}})", true},
                      FilterCase{R"({"big": {">": 9007199254740990}})", true},
                      FilterCase{R"({"name": {"<": "B"}})", true},
                      FilterCase{R"({"missing": {"<": 5}})", false},
                      FilterCase{R"({"at": {"<": "2026-03-01T11:00:01Z"}})", true},
                      FilterCase{R"({"at": {"$before": "2026-03-01T11:00:00Z"}})", false},
                      FilterCase{R"({"at": {"$onOrBefore": "2026-03-01T11:00:00Z"}})", true},
                      FilterCase{R"({"at": {"$after": "2026-03-01T10:59:59Z"}})", true},
                      FilterCase{R"({"at": {"$onOrAfter": "2026-03-01T11:00:00.5Z"}})", false},
                      FilterCase{R"({"name": {"$after": "2026-03-01T11:00:00Z"}})", false},
                      FilterCase{R"({"name": {"$contains": "n L"}})", true},
                      FilterCase{R"({"name": {"$contains": "N l"}})", false},
                      FilterCase{R"({"name": {"$doesNotContain": "Bo"}})", true},
                      FilterCase{R"({"name": {"$startsWith": "Ann"}})", true},
                      FilterCase{R"({"name": {"$endsWith": "Ann"}})", false},
                      FilterCase{R"({"name": {"$isAnyOf": ["Bo", "Ann Lee"]}})", true},
                      FilterCase{R"({"age": {"$isAnyOf": [29, 31]}})", false},
                      FilterCase{R"({"empty": {"$isEmpty": true}})", true},
                      FilterCase{R"({"none": {"$isEmpty": true}})", true},
                      FilterCase{R"({"missing": {"$isEmpty": true}})", true},
                      FilterCase{R"({"name": {"$isEmpty": true}})", false},
                      FilterCase{R"({"name": {"$isEmpty": false}})", true},
                      FilterCase{R"({"name": {"$isNotEmpty": true}})", true},
                      FilterCase{R"({"roles": {"$isNotEmpty": true}})", true},
                      FilterCase{R"({"roles": {"$isNotEmpty": false}})", false}));

INSTANTIATE_TEST_SUITE_P(
    Combinations,
    FilterTest,
    ::testing::Values(FilterCase{R"({"$and": [{"age": 30}, {"admin": true}]})", true},
                      FilterCase{R"({"$and": [{"age": 30}, {"admin": false}]})", false},
                      FilterCase{R"({"$or": [{"age": 1}, {"admin": true}]})", true},
                      FilterCase{R"({"$or": []})", false},
                      FilterCase{R"({"$and": []})", true},
                      FilterCase{R"({"$not": {"age": 30}})", false},
                      FilterCase{R"({"$not": {"age": 30, "admin": false}})", true},
                      FilterCase{R"({"age": {"$not": 30}})", false},
                      FilterCase{R"({"age": {"$not": {">": 40}}})", true},
                      FilterCase{R"({"age": {"$or": [{"<": 10}, {">": 20}]}})", true},
                      FilterCase{R"({"age": {"$or": [10, 30]}})", true},
                      FilterCase{R"({"name": {"$not": {"$not": "Ann Lee"}}})", true}));

INSTANTIATE_TEST_SUITE_P(SpecialFields,
                         FilterTest,
                         ::testing::Values(FilterCase{R"({"id": "r1"})", true},
                                           FilterCase{R"({"id": "r2"})", false},
                                           FilterCase{R"({"id": ["r2", "r1"]})", true},
                                           FilterCase{R"({"id": {"$startsWith": "r"}})", true},
                                           FilterCase{R"({"id": null})", false},
                                           FilterCase{R"({"type": "t"})", true},
                                           FilterCase{R"({"$index": "10.1.2.3"})", true},
                                           FilterCase{R"({"$index": "10.1.2.0/24"})", true},
                                           FilterCase{R"({"$index": "10.0.0.0/8"})", false},
                                           FilterCase{R"({"$index": "10.2.0.1"})", false},
                                           FilterCase{R"({"$index": "2001:db8::1"})", false},
                                           FilterCase{R"({"$index": ["1.1.1.1", "10.1.0.9"]})",
                                                      true}));

class BadFilterTest : public ::testing::TestWithParam<const char*> {};

// Covers DBR-20.
TEST_P(BadFilterTest, IsRefused) {
  const auto filter = parse(GetParam());

  ASSERT_FALSE(filter.has_value()) << GetParam();
  EXPECT_EQ(filter.error().kind(), ErrorKind::InvalidInput);
}

INSTANTIATE_TEST_SUITE_P(Cases,
                         BadFilterTest,
                         ::testing::Values(R"({"$unknown": 1})",
                                           R"({"age": {"$gt": 1}})",
                                           R"({"$and": {"age": 1}})",
                                           R"({"$or": 5})",
                                           R"({"$not": 5})",
                                           R"({"$and": [5]})",
                                           R"({"=": 5})",
                                           R"({"": 5})",
                                           R"({"age": {"=": [1]}})",
                                           R"({"age": {"=": {"a": 1}}})",
                                           R"({"age": {">": true}})",
                                           R"({"age": {">": null}})",
                                           R"({"age": {"$contains": 5}})",
                                           R"({"age": {"$after": "yesterday"}})",
                                           R"({"age": {"$after": 5}})",
                                           R"({"age": {"$isEmpty": "yes"}})",
                                           R"({"age": {"$isAnyOf": 5}})",
                                           R"({"age": {"$isAnyOf": [[5]]}})",
                                           R"({"$index": "here"})",
                                           R"({"$index": 5})",
                                           R"({"$index": {">": "10.0.0.1"}})"));

// Covers DBR-20.
TEST(FilterLimitsTest, BoundTermsAndLevels) {
  std::string wide = R"({"a": [)";
  for (std::size_t i = 0; i <= Filter::kTermsMax; ++i) {
    wide += (i == 0 ? "" : ", ") + std::to_string(i);
  }
  Payload deep{.kind = Payload::Kind::Object, .text = {}, .names = {}, .items = {}};
  for (int i = 0; i < 10'000; ++i) {
    Payload outer{.kind = Payload::Kind::Object, .text = {}, .names = {"$not"}, .items = {}};
    outer.items.push_back(std::move(deep));
    deep = std::move(outer);
  }

  EXPECT_EQ(parse(wide + "]}").error().message(), "filter: too many terms");
  EXPECT_EQ(Filter::parse(deep).error().message(), "filter: too many levels");
}

TEST(FilterRulesTest, FindsNoFieldInAValueItCannotLookInto) {
  Record record;
  record.id = "r1";

  EXPECT_TRUE(parse(R"({"id": "r1"})")->matches(record, std::nullopt));
  EXPECT_FALSE(parse(R"({"name": "x"})")->matches(record, std::nullopt));
}

std::string planned(std::string_view json) {
  const TypeOptions options{
      .capacity = std::nullopt, .indexable_fields = {"user", "team.name"}, .ttl = std::nullopt};
  const auto lookup = parse(json)->lookup(&options);
  if (!lookup) {
    return "scan";
  }
  std::string text;
  for (const std::string& id : lookup->ids) {
    text += "id " + id + ";";
  }
  for (std::size_t i = 0; i < lookup->probes.size(); i += 2) {
    text += lookup->probes[i].field + " " + lookup->probes[i].value + ";";
  }
  return text;
}

TEST(FilterRulesTest, KnowsWhereItsMatchesAre) {
  EXPECT_EQ(planned(R"({"id": "x"})"), "id x;");
  EXPECT_EQ(planned(R"({"user": "ann"})"), "user ann;");
  EXPECT_EQ(planned(R"({"user": ["ann", "bob"]})"), "user ann;user bob;");
  EXPECT_EQ(planned(R"({"team": {"name": "red"}})"), "team.name red;");
  EXPECT_EQ(planned(R"({"age": {">": 5}, "user": "ann"})"), "user ann;");
  EXPECT_EQ(planned(R"({"user": "ann", "id": "x"})"), "id x;");
  EXPECT_EQ(planned(R"({"$or": [{"id": "x"}, {"user": "ann"}]})"), "id x;user ann;");
}

TEST(FilterRulesTest, ReadsEverythingWhenAnIndexWouldMissMatches) {
  EXPECT_EQ(planned(R"({})"), "scan");
  EXPECT_EQ(planned(R"({"age": 5})"), "scan");
  EXPECT_EQ(planned(R"({"user": {"$not": "ann"}})"), "scan");
  EXPECT_EQ(planned(R"({"user": {"!=": "ann"}})"), "scan");
  EXPECT_EQ(planned(R"({"user": null})"), "scan");
  EXPECT_EQ(planned(R"({"user": {"$contains": "a"}})"), "scan");
  EXPECT_EQ(planned(R"({"$or": [{"age": 5}, {"user": "ann"}]})"), "scan");
}

// Random filters and values of few words, so that they often meet.
class Guess {
 public:
  explicit Guess(std::uint64_t seed) : dice_(seed) {}

  std::string value(int depth) {
    switch (below(depth > 0 ? 8 : 5)) {
      case 0:
        return word({"1", "2", "1.0", "null", "true"});
      case 5:
        return "[" + value(depth - 1) + ", " + value(depth - 1) + "]";
      case 6:
        return object(depth - 1);
      case 7:
        return R"({"cidr": ")" + word({"10.0.0.0/8", "10.1.0.0/16", "::/0", "x"}) + "\"}";
      default:
        return "\"" + word({"x", "y", "1", "", "true"}) + "\"";
    }
  }
  std::string object(int depth) {
    std::string text;
    for (const char* name : {"a", "b", "", "user_id", "$index"}) {
      if (below(2) == 0) {
        text += std::string(text.empty() ? "" : ", ") + "\"" + name + "\": " + value(depth);
      }
    }
    return "{" + text + "}";
  }
  std::string filter(int depth) {
    if (depth > 0 && below(3) == 0) {
      const std::string items = filter(depth - 1) + ", " + filter(depth - 1);
      return below(4) == 0 ? R"({"$not": )" + filter(depth - 1) + "}"
                           : "{\"" + word({"$and", "$or"}) + "\": [" + items + "]}";
    }
    if (below(6) == 0) {
      return R"({"$index": ")" + word({"10.1.2.3", "10.0.0.0/8", "::1"}) + "\"}";
    }
    if (below(6) == 0) {
      return R"({"id": ")" + word({"i", "j"}) + "\"}";
    }
    const std::string field = word({"a", "b", ".a", "a.", "a.b", "user_id", "userId", "..a"});
    const std::string operand =
        word({"1", "1.0", "\"1\"", "\"x\"", "\"\"", "true", "\"true\"", "null"});
    return "{\"" + field + "\": " +
           (below(4) == 0 ? "{\"" + word({"=", "$eq", "!="}) + "\": " + operand + "}" : operand) +
           "}";
  }

 private:
  std::uint64_t below(std::uint64_t end) { return dice_.next_u64() % end; }
  std::string word(std::vector<std::string> words) { return words[below(words.size())]; }

  testing::SeededEntropy dice_;
};

// What a lookup leaves out is never judged: it must leave out nothing that matches.
TEST(FilterRulesTest, ALookupNeverHidesAMatch) {
  const TypeOptions options{.capacity = std::nullopt,
                            .indexable_fields = {"a", "b", "a.b", "user_id"},
                            .ttl = std::nullopt};
  Guess guess(11);
  int looked_up = 0;
  int matches = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string filter_text = guess.filter(2);
    const std::string json = guess.object(2);
    const auto filter = parse(filter_text);
    ASSERT_TRUE(filter.has_value()) << filter_text;
    Record record;
    record.type = "t";
    record.id = "i";
    record.value = {.type_url = "type.googleapis.com/google.protobuf.Struct",
                    .bytes = struct_bytes(json)};
    const auto lookup = filter->lookup(&options);
    if (!lookup) {
      continue;
    }
    ++looked_up;
    if (!filter->matches(record, decode_payload(record.value))) {
      continue;
    }
    ++matches;
    const auto entries = index_entries(record, &options);
    const bool is_found = std::ranges::find(lookup->ids, record.id) != lookup->ids.end() ||
                          std::ranges::any_of(lookup->probes, [&entries](const IndexEntry& probe) {
                            return std::ranges::find(entries, probe) != entries.end();
                          });
    EXPECT_TRUE(is_found) << filter_text << " matches " << json;
  }
  EXPECT_GT(looked_up, 5000);
  EXPECT_GT(matches, 500);
}

TEST(FilterRulesTest, LooksForTextInTheTextsOfAValueAlone) {
  const auto payload = decode_struct(struct_bytes(kRecord));

  EXPECT_TRUE(has_text(*payload, "ann l"));
  EXPECT_TRUE(has_text(*payload, "red"));
  EXPECT_FALSE(has_text(*payload, "team"));
  EXPECT_FALSE(has_text(*payload, "30"));
}

}  // namespace
}  // namespace vallum::databroker
