#include "codec/json_scanner.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::codec {
namespace {

using Kind = ScannedMember::Kind;
using Texts = std::vector<std::string>;

class JsonScannerTest : public ::testing::Test {
 protected:
  Kind kind(std::size_t index) const { return scanner_.member(index).kind; }
  const std::string& text(std::size_t index) const { return scanner_.member(index).text; }
  Texts texts(std::size_t index) const {
    const auto span = scanner_.member(index).texts();
    return {span.begin(), span.end()};
  }
  // The column of the error, 0 without one.
  std::uint32_t column(std::string_view json) {
    const ReadResult<void> scanned = scanner_.scan(json);
    return scanned ? 0 : scanned.error().position.column;
  }

  bool scan(std::string_view json) { return scanner_.scan(json).has_value(); }

 private:
  JsonScanner scanner_{{"a", "b"}};
};

TEST_F(JsonScannerTest, TakesTheNamedMembersOfTheObjectAlone) {
  ASSERT_TRUE(scan(R"( {"x":{"a":1,"b":"no"},"a":"yes","y":["b"],"z":"a"} )"));

  EXPECT_EQ(kind(0), Kind::String);
  EXPECT_EQ(text(0), "yes");
  EXPECT_EQ(kind(1), Kind::Absent);
}

TEST_F(JsonScannerTest, KnowsEveryKindOfValue) {
  ASSERT_TRUE(scan(R"({"a":true,"b":false})"));
  EXPECT_EQ(kind(0), Kind::True);
  EXPECT_EQ(kind(1), Kind::False);
  ASSERT_TRUE(scan(R"({"a":null,"b":-1.50e3})"));
  EXPECT_EQ(kind(0), Kind::Null);
  EXPECT_EQ(kind(1), Kind::Number);
  EXPECT_EQ(text(1), "-1.50e3");
  ASSERT_TRUE(scan(R"({"a":{"b":1},"b":["p",7,["q"],"r"]})"));
  EXPECT_EQ(kind(0), Kind::Map);
  EXPECT_EQ(kind(1), Kind::List);
  EXPECT_EQ(texts(1), (Texts{"p", "r"}));
}

TEST_F(JsonScannerTest, EscapesAreDecodedInNamesAndTexts) {
  ASSERT_TRUE(scan(R"({"\u0061":"x\"\n\u00e9y","b":["\\"]})"));

  EXPECT_EQ(text(0), "x\"\n\xc3\xa9y");
  EXPECT_EQ(texts(1), Texts{"\\"});
}

TEST_F(JsonScannerTest, NothingOfOneObjectIsLeftInTheNext) {
  ASSERT_TRUE(scan(R"({"a":"first","b":["p","q"]})"));
  ASSERT_TRUE(scan(R"({"b":["r"]})"));

  EXPECT_EQ(kind(0), Kind::Absent);
  EXPECT_EQ(texts(1), Texts{"r"});
}

TEST_F(JsonScannerTest, OfDuplicatesTheLastCounts) {
  ASSERT_TRUE(scan(R"({"a":["x"],"a":"y"})"));

  EXPECT_EQ(kind(0), Kind::String);
  EXPECT_EQ(text(0), "y");
}

TEST_F(JsonScannerTest, WhatIsNoObjectIsRefusedWhereItEndsToBeOne) {
  EXPECT_EQ(column(""), 1U);
  EXPECT_EQ(column("7"), 1U);
  EXPECT_EQ(column("[]"), 1U);
  EXPECT_EQ(column(R"({"a":"x)"), 8U);
  EXPECT_EQ(column(R"({"a":x})"), 6U);
  EXPECT_EQ(column(R"({"a":1} {)"), 9U);
  EXPECT_NE(column("{\"a\":\"\xff\"}"), 0U);
  EXPECT_NE(column(R"({"a":)" + std::string(10'000, '[')), 0U);
}

TEST_F(JsonScannerTest, AnErrorDoesNotSpoilTheNextObject) {
  EXPECT_NE(column(R"({"a":"half)"), 0U);

  ASSERT_TRUE(scan(R"({"a":"whole"})"));
  EXPECT_EQ(text(0), "whole");
}

}  // namespace
}  // namespace vallum::codec
