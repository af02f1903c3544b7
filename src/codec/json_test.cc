#include "codec/json.h"

#include <gtest/gtest.h>

#include "base/result.h"
#include "codec/json_writer.h"

namespace vallum::codec {
namespace {

Node parsed(std::string_view text) {
  auto node = parse_json(text);
  EXPECT_TRUE(node.has_value()) << text << ": " << node.error().text;
  return node.value_or(Node());
}

std::string failure(std::string_view text,
                    const ReadLimits& limits = {},
                    DuplicateKeys duplicates = DuplicateKeys::LastWins) {
  const auto node = parse_json(text, limits, duplicates);
  return node ? "read" : std::string(Error(node.error()).message());
}

Result<Node> through_try(std::string_view text) {
  TRY(auto node, parse_json(text));
  return node;
}

TEST(JsonTest, KeepsTheTextOfNumbers) {
  const Node list =
      parsed("[0, -0, 3.0, 1e400, 18446744073709551615, 123456789012345678901234567890]");

  std::string texts;
  for (const Node& item : list.items()) {
    EXPECT_TRUE(item.is_number());
    texts.append(item.text()).append(" ");
  }

  EXPECT_EQ(texts, "0 -0 3.0 1e400 18446744073709551615 123456789012345678901234567890 ");
  EXPECT_EQ(list.items()[4].as_u64(), 18446744073709551615ULL);
  EXPECT_FALSE(list.items()[2].as_i64().has_value());
}

TEST(JsonTest, DecodesEscapesAndSurrogatePairs) {
  EXPECT_EQ(parsed(R"("a\n\"\\\/\u00e9\ud83d\ude00")").text(), "a\n\"\\/\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(JsonTest, PositionsNameTheStartOfEachValueAndKey) {
  const Node map = parsed("{\n  \"\xc3\xa9\": 12,\n  \"list\": [true,\n \"x\" ]}");

  const Node::Member& number = map.members()[0];
  EXPECT_EQ(number.position, (Position{2, 3}));
  EXPECT_EQ(number.value.position(), (Position{2, 8}));  // Columns count characters, not bytes.
  const Node& list = map.members()[1].value;
  EXPECT_EQ(list.position(), (Position{3, 11}));
  EXPECT_EQ(list.items()[0].position(), (Position{3, 12}));
  EXPECT_EQ(list.items()[1].position(), (Position{4, 2}));
}

TEST(JsonTest, RefusesWhatRfc8259DoesNotAllow) {
  for (const char* bad :
       {"",        "  ",          "{",        "[1,]",      "{\"a\":1,}", "{a:1}",
        "'a'",     "01",          "+1",       ".5",        "1.",         "NaN",
        "tru",     "truex",       "[1 2]",    "{\"a\" 1}", "// c\n1",    "\"a\nb\"",
        "\"\\x\"", "\"\\ud800\"", "\"\x80\"", "\"open",    "]"}) {
    EXPECT_NE(failure(bad), "read") << bad;
  }
}

TEST(JsonTest, RefusesTextAfterTheValueWithItsPosition) {
  EXPECT_EQ(failure("{} x"), "1:4: text after the value");
  EXPECT_EQ(failure("1\n2"), "2:1: text after the value");
  EXPECT_EQ(failure("{} \t\r\n"), "read");
}

TEST(JsonTest, ErrorsNameTheOffendingToken) {
  EXPECT_TRUE(failure("{\"a\": 1,\n \"b\": nope}").starts_with("2:7: not JSON"))
      << failure("{\"a\": 1,\n \"b\": nope}");
  EXPECT_EQ(failure("[1,\n2"), "2:2: the text ends inside a value");
}

TEST(JsonTest, OfDuplicateKeysTheLastWins) {
  const Node map = parsed(R"({"a":1,"a":2})");

  EXPECT_EQ(map.find("a")->text(), "2");
  EXPECT_EQ(map.members().size(), 2U);
}

TEST(JsonTest, DuplicateKeysAreRefusedOnRequest) {
  EXPECT_EQ(failure("{\"a\":1,\n\"a\":2}", {}, DuplicateKeys::Refuse),
            "2:1: key \"a\" is given twice");
  EXPECT_EQ(failure(R"({"a":{"b":1},"b":2})", {}, DuplicateKeys::Refuse), "read");
}

TEST(JsonTest, AnEscapedKeyIsADuplicateOfItsPlainForm) {
  EXPECT_NE(failure(R"({"a":1,"\u0061":2})", {}, DuplicateKeys::Refuse), "read");
}

TEST(JsonTest, LimitsHold) {
  EXPECT_EQ(failure("[[[1]]]", {.depth_max = 3}), "read");
  EXPECT_EQ(failure("[[[[1]]]]", {.depth_max = 3}), "1:4: nested deeper than 3 levels");
  EXPECT_EQ(failure("[1,2,3]", {.nodes_max = 3}), "1:1: holds more than 3 values");
  EXPECT_EQ(failure("[1]", {.bytes_max = 2}), "1:1: longer than 2 bytes");
  EXPECT_NE(failure(std::string(1'000'000, '[')), "read");
}

TEST(JsonTest, InvalidUtf8IsRefusedWhereItStands) {
  EXPECT_EQ(failure("[\"ok\",\n\"a\xff\"]"), "2:3: invalid UTF-8");
}

TEST(JsonTest, AReadErrorBecomesAnErrorInTry) {
  EXPECT_EQ(through_try("[").error().message(), "1:2: the text ends inside a value");
  EXPECT_TRUE(through_try("[]").has_value());
}

TEST(NodeTest, NumbersAreEqualByValueAtAnyLength) {
  for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{
           {"3", "3.0"},
           {"3", "3e0"},
           {"300", "3E+2"},
           {"0.05", "5e-2"},
           {"0", "-0.000"},
           {"0", "0e99"},
           {"120", "12e1"},
           {"1.50", "1.5"},
           {"18446744073709551617", "18446744073709551617.0"}}) {
    EXPECT_TRUE(Node::number(a).equals(Node::number(b))) << a << " " << b;
  }
}

TEST(NodeTest, NumbersThatRoundToTheSameDoubleStayDifferent) {
  for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{
           {"9007199254740993", "9007199254740992"},
           {"1", "-1"},
           {"1", "10"},
           {"1", "0.1"},
           {"12", "1"},
           {"1e999999999999999999999", "1"}}) {
    EXPECT_FALSE(Node::number(a).equals(Node::number(b))) << a << " " << b;
  }
}

TEST(NodeTest, EqualityIsTypeStrictAndIgnoresMemberOrder) {
  EXPECT_TRUE(parsed(R"({"a":[1,"x"],"b":null})").equals(parsed(R"({"b":null,"a":[1.0,"x"]})")));
  EXPECT_FALSE(parsed(R"({"a":1})").equals(parsed(R"({"a":"1"})")));
  EXPECT_FALSE(parsed(R"({"a":1})").equals(parsed(R"({"a":1,"b":2})")));
  EXPECT_FALSE(parsed("[1,2]").equals(parsed("[2,1]")));
  EXPECT_FALSE(parsed("null").equals(parsed("false")));
}

TEST(NodeTest, OfDuplicateMembersOnlyTheLastCountsForEquality) {
  EXPECT_TRUE(parsed(R"({"a":1,"a":2})").equals(parsed(R"({"a":2})")));
  EXPECT_FALSE(parsed(R"({"a":2,"a":1})").equals(parsed(R"({"a":2})")));
}

TEST(JsonWriterTest, PlacesCommasAtEveryLevel) {
  std::string out;
  JsonWriter json(out);

  json.begin_object().member("a", 1).key("b").begin_array().value("x").value(true).null();
  json.begin_object().end_object().end_array().member("c", -2.5).key("d").raw("{}").end_object();

  EXPECT_EQ(out, R"({"a":1,"b":["x",true,null,{}],"c":-2.5,"d":{}})");
}

TEST(JsonWriterTest, TakesTheMembersOfAnObjectThatIsWritten) {
  std::string out;
  JsonWriter json(out);

  json.begin_object().members_of("{}").member("a", 1).members_of(R"({"b":2,"c":"}"})");
  json.members_of("{}").member("d", 3).end_object();

  EXPECT_EQ(out, R"({"a":1,"b":2,"c":"}","d":3})");
}

TEST(JsonWriterTest, WritesEveryKindOfNumber) {
  std::string out;
  JsonWriter json(out);

  json.begin_array();
  json.value(std::uint64_t{18446744073709551615ULL})
      .value(std::int64_t{-9223372036854775807LL - 1});
  json.value(std::uint16_t{443}).value(1e300).value(0.1).value(1.0 / 0.0).end_array();

  EXPECT_EQ(out, "[18446744073709551615,-9223372036854775808,443,1e+300,0.1,null]");
}

TEST(JsonWriterTest, EscapesControlsAndReplacesBrokenUtf8) {
  std::string out;

  append_json_string(out,
                     std::string_view("\"\\\n\r\t\x01\x7f\0 \xc3\xa9 \xff\xc3 \xed\xa0\x80", 18));

  EXPECT_EQ(out,
            "\"\\\"\\\\\\n\\r\\t\\u0001\\u007f\\u0000 \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd "
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(JsonWriterTest, EscapesWhereverTheByteStands) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const auto& [byte, written] : {std::pair('"', R"(\")"),
                                          std::pair('\\', R"(\\)"),
                                          std::pair('\n', R"(\n)"),
                                          std::pair('\x1f', R"(\u001f)"),
                                          std::pair('\x7f', R"(\u007f)"),
                                          std::pair('\x80', "\xef\xbf\xbd")}) {
        std::string text(size, '!');
        text[at] = byte;
        std::string out;
        append_json_string(out, text);
        EXPECT_EQ(out,
                  '"' + std::string(at, '!') + written + std::string(size - at - 1, '!') + '"');
      }
    }
  }
}

TEST(JsonWriterTest, AnUnfinishedValueLeavesNothingBehindIt) {
  std::string out(1000, 'x');
  out.clear();
  {
    JsonWriter(out).begin_object().member("a", 1);
  }
  EXPECT_EQ(out, R"({"a":1)");
}

TEST(JsonWriterTest, WhatItWritesReadsBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) {
    all.push_back(static_cast<char>(c));
  }
  std::string out;

  JsonWriter(out).begin_object().any_key(all).value(all).end_object();

  EXPECT_EQ(parsed(out).find(all)->text(), all);
}

}  // namespace
}  // namespace vallum::codec
