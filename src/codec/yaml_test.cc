#include "codec/yaml.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "codec/json_writer.h"

namespace vallum::codec {
namespace {

// The value as JSON, or the error as "LINE:COLUMN: text".
std::string read(std::string_view text, const ReadLimits& limits = {}) {
  const auto node = parse_yaml(text, limits);
  if (!node) {
    return std::string(Error(node.error()).message());
  }
  std::string out;
  JsonWriter json(out);
  write_node(json, *node);
  return out;
}

struct Scalar {
  const char* yaml;
  const char* json;
};

class YamlScalarTest : public ::testing::TestWithParam<Scalar> {};

TEST_P(YamlScalarTest, ResolvesAsTheReferenceDoes) {
  EXPECT_EQ(read(GetParam().yaml), GetParam().json) << GetParam().yaml;
}

INSTANTIATE_TEST_SUITE_P(Booleans,
                         YamlScalarTest,
                         ::testing::Values(Scalar{"true", "true"},
                                           Scalar{"True", "true"},
                                           Scalar{"TRUE", "true"},
                                           Scalar{"FALSE", "false"},
                                           Scalar{"tRUE", "\"tRUE\""},
                                           Scalar{"yes", "\"yes\""},
                                           Scalar{"No", "\"No\""},
                                           Scalar{"on", "\"on\""},
                                           Scalar{"off", "\"off\""},
                                           Scalar{"y", "\"y\""},
                                           Scalar{"'true'", "\"true\""}));

INSTANTIATE_TEST_SUITE_P(Nulls,
                         YamlScalarTest,
                         ::testing::Values(Scalar{"~", "null"},
                                           Scalar{"null", "null"},
                                           Scalar{"Null", "null"},
                                           Scalar{"NULL", "null"},
                                           Scalar{"nULL", "\"nULL\""},
                                           Scalar{"''", "\"\""},
                                           Scalar{"a:", "{\"a\":null}"},
                                           Scalar{"", "null"},
                                           Scalar{"\xef\xbb\xbf", "null"},
                                           Scalar{"# only a comment\n", "null"},
                                           Scalar{"---\n...\n", "null"}));

INSTANTIATE_TEST_SUITE_P(Numbers,
                         YamlScalarTest,
                         ::testing::Values(Scalar{"12", "12"},
                                           Scalar{"+12", "12"},
                                           Scalar{"-12", "-12"},
                                           Scalar{"-0", "0"},
                                           Scalar{"0x1F", "31"},
                                           Scalar{"-0x1f", "-31"},
                                           Scalar{"0o17", "15"},
                                           Scalar{"017", "15"},
                                           Scalar{"08", "8"},
                                           Scalar{"0b101", "5"},
                                           Scalar{"1_000", "1000"},
                                           Scalar{"18446744073709551615", "18446744073709551615"},
                                           Scalar{"18446744073709551616", "18446744073709551616"},
                                           Scalar{"-9223372036854775808", "-9223372036854775808"},
                                           Scalar{"0xffffffffffffffff", "18446744073709551615"},
                                           Scalar{"0x1ffffffffffffffff", "\"0x1ffffffffffffffff\""},
                                           Scalar{"3.0", "3.0"},
                                           Scalar{".5", "0.5"},
                                           Scalar{"1.", "1"},
                                           Scalar{"+1.5e+3", "1.5e+3"},
                                           Scalar{"08.5", "8.5"},
                                           Scalar{"1e3", "1e3"}));

INSTANTIATE_TEST_SUITE_P(NotNumbers,
                         YamlScalarTest,
                         ::testing::Values(Scalar{"1:30", "\"1:30\""},
                                           Scalar{"2024-01-31", "\"2024-01-31\""},
                                           Scalar{"1.2.3", "\"1.2.3\""},
                                           Scalar{"0x", "\"0x\""},
                                           Scalar{"0xg", "\"0xg\""},
                                           Scalar{"0b2", "\"0b2\""},
                                           Scalar{"1e", "\"1e\""},
                                           Scalar{"1e1234567", "\"1e1234567\""},
                                           Scalar{"-", "[null]"},
                                           Scalar{"'-'", "\"-\""},
                                           Scalar{"--1", "\"--1\""},
                                           Scalar{"0x-1", "\"0x-1\""},
                                           Scalar{"_1", "\"_1\""},
                                           Scalar{"+", "\"+\""},
                                           Scalar{".", "\".\""},
                                           Scalar{"10.0.0.0/8", "\"10.0.0.0/8\""},
                                           Scalar{"\"12\"", "\"12\""}));

INSTANTIATE_TEST_SUITE_P(Tags,
                         YamlScalarTest,
                         ::testing::Values(Scalar{"!!str 12", "\"12\""},
                                           Scalar{"! 12", "\"12\""},
                                           Scalar{"!!int '0x10'", "16"},
                                           Scalar{"!!float '1'", "1"},
                                           Scalar{"!!bool 'true'", "true"},
                                           Scalar{"!!null ''", "null"},
                                           Scalar{"!!binary aGk=", "\"hi\""},
                                           Scalar{"!!map {a: 1}", "{\"a\":1}"},
                                           Scalar{"!!seq [1]", "[1]"}));

TEST(YamlTest, ReadsBlockFlowAndMultiLineForms) {
  EXPECT_EQ(
      read("a:\n  - b: 1\n    c: [x, 'y z']\n  - {d: e}\nt: |\n  one\n  two\nf: >-\n  a\n  b\n"),
      R"({"a":[{"b":1,"c":["x","y z"]},{"d":"e"}],"t":"one\ntwo\n","f":"a b"})");
}

TEST(YamlTest, PositionsNameTheStartOfEachValueAndKey) {
  const auto node = parse_yaml("\xef\xbb\xbf# c\nroutes:\n  - from: \xc3\xa9\n    to: [a, 1]\n");

  ASSERT_TRUE(node.has_value());
  const Node& route = node->find("routes")->items()[0];
  EXPECT_EQ(node->members()[0].position, (Position{2, 1}));
  EXPECT_EQ(route.position(), (Position{3, 5}));
  EXPECT_EQ(route.members()[1].position, (Position{4, 5}));
  EXPECT_EQ(route.find("to")->items()[1].position(), (Position{4, 13}));
}

TEST(YamlTest, OnlyTheFirstDocumentCounts) {
  EXPECT_EQ(read("a: 1\n---\nb: [\n"), "{\"a\":1}");
  EXPECT_EQ(read("---\na: 1\n...\n}{"), "{\"a\":1}");
}

TEST(YamlTest, DuplicateKeysAreAnErrorAtTheSecond) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3\n"), "3:1: key \"a\" is given twice");
  EXPECT_EQ(read("x: {a: 1, \"a\": 2}"), "1:11: key \"a\" is given twice");
  std::string many;
  for (int i = 0; i < 100; ++i) {
    many.append("k").append(std::to_string(i)).append(": 1\n");
  }
  EXPECT_EQ(read(many + "k7: 1\n"), "101:1: key \"k7\" is given twice");
}

TEST(YamlTest, KeysMustBeStrings) {
  EXPECT_EQ(read("1: a"), "1:1: a key must be a string: quote it");
  EXPECT_EQ(read("true: a"), "1:1: a key must be a string: quote it");
  EXPECT_EQ(read("? [a]\n: b"), "1:3: a key must be a string");
  EXPECT_EQ(read("'1': a\non: b"), R"({"1":"a","on":"b"})");
}

TEST(YamlTest, AliasesAreExpandedAndMayBeRedefined) {
  EXPECT_EQ(read("a: &x [1]\nb: *x\nc: &x 2\nd: *x\n"), R"({"a":[1],"b":[1],"c":2,"d":2})");
  EXPECT_EQ(read("a: &k key\n*k : 1\n"), R"({"a":"key","key":1})");
}

TEST(YamlTest, UnknownAndRecursiveAliasesAreErrors) {
  EXPECT_EQ(read("a: *x"), "1:4: unknown alias \"x\"");
  EXPECT_EQ(read("a: &x\n  b: *x"), "2:6: anchor \"x\" contains itself");
}

TEST(YamlTest, MergedKeysYieldToTheMapsOwn) {
  EXPECT_EQ(read("d: &d {a: 1, b: 2}\nm:\n  a: 9\n  <<: *d\n"),
            R"({"d":{"a":1,"b":2},"m":{"a":9,"b":2}})");
  EXPECT_EQ(read("m: {<<: [{a: 1}, {a: 2, b: 3}], c: 4}"), R"({"m":{"c":4,"a":1,"b":3}})");
}

TEST(YamlTest, MergeTakesOnlyMaps) {
  EXPECT_EQ(read("<<: 1"), "1:5: \"<<\" takes a map or a list of maps");
  EXPECT_EQ(read("<<: [1]"), "1:5: \"<<\" takes a map or a list of maps");
  EXPECT_EQ(read("{<<: {a: 1}, <<: {b: 1}}"), "1:14: key \"<<\" is given twice");
  EXPECT_EQ(read("'<<': 1"), R"({"<<":1})");
}

TEST(YamlTest, ALaughOfABillionIsCutShort) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text.append("a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last);
    for (int j = 1; j < 10; ++j) {
      text.append(", ").append(last);
    }
    text.append("]\n");
  }
  const std::string answer = read(text);

  EXPECT_TRUE(answer.ends_with("expand to too much") || answer.ends_with("values")) << answer;
}

TEST(YamlTest, LongTextsBehindAliasesCountToo) {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) {
    text.append("*a, ");
  }

  EXPECT_TRUE(read(text + "]").ends_with("expand to too much"));
}

TEST(YamlTest, DepthIsBoundedThroughAliasesToo) {
  EXPECT_EQ(read("[[[1]]]", {.depth_max = 3}), "[[[1]]]");
  EXPECT_EQ(read("[[[[1]]]]", {.depth_max = 3}), "1:4: nested deeper than 3 levels");
  EXPECT_EQ(read("a: &a [[1]]\nb: [*a]", {.depth_max = 3}), "2:5: an alias nests too deep");
  EXPECT_NE(read(std::string(100'000, '[')).find("nested deeper than 64"), std::string::npos);
}

TEST(YamlTest, RefusesWhatCannotBeAValueHere) {
  EXPECT_EQ(read("a: .inf").substr(0, 5), "1:4: ");
  EXPECT_EQ(read("a: -.INF").substr(0, 5), "1:4: ");
  EXPECT_EQ(read("a: .NaN").substr(0, 5), "1:4: ");
  EXPECT_EQ(read("a: !foo x"), "1:4: unknown tag \"!foo\"");
  EXPECT_EQ(read("a: !!set {x}"), "1:4: unknown tag \"tag:yaml.org,2002:set\"");
  EXPECT_EQ(read("a: !!int x"), "1:4: \"x\" is not a !!int");
  EXPECT_EQ(read("a: !!binary '='"), "1:4: !!binary takes base64 of UTF-8 text");
  EXPECT_EQ(read("ok: 1\nb: \xff"), "2:4: invalid UTF-8");
}

TEST(YamlTest, SyntaxErrorsNameTheirPlace) {
  EXPECT_EQ(read("a: b: c"), "1:5: not YAML: mapping values are not allowed in this context");
  EXPECT_TRUE(read("a: [1, 2\nb: 3\n").starts_with("2:2: not YAML: ")) << read("a: [1, 2\nb: 3\n");
  EXPECT_TRUE(read("a:\n\t- b\n").starts_with("2:1: not YAML: ")) << read("a:\n\t- b\n");
  EXPECT_TRUE(read("a: \x01").find("not YAML: ") != std::string::npos) << read("a: \x01");
}

TEST(YamlTest, JsonTextReadsTheSame) {
  const std::string_view text = R"({"a": [1, -2.5e3, true, null, "x\u00e9\n"], "b": {"c": ""}})";

  const auto yaml = parse_yaml(text);
  const auto json = parse_json(text);

  ASSERT_TRUE(yaml.has_value() && json.has_value());
  EXPECT_TRUE(yaml->equals(*json));
}

}  // namespace
}  // namespace vallum::codec
