#include "policy/value.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::policy {
namespace {

using codec::Node;

std::string canonical(const Node& node) {
  std::string text;
  append_canonical(node, text);
  return text;
}

TEST(ValueTest, NumbersAreOneWhateverTheirSpelling) {
  for (const char* text : {"3", "3.0", "3e0", "0.3e1", "30e-1", "3.00E+0"}) {
    EXPECT_EQ(canonical(Node::number(text)), "3") << text;
  }
  for (const char* text : {"0", "-0", "0.0", "0e5"}) {
    EXPECT_EQ(canonical(Node::number(text)), "0") << text;
  }
  EXPECT_EQ(canonical(Node::number("-12.50")), "-125e-1");
  EXPECT_EQ(canonical(Node::number("1200")), "12e2");
  EXPECT_NE(canonical(Node::number("9007199254740993")),
            canonical(Node::number("9007199254740992")));
}

TEST(ValueTest, ANumberNobodyCanReadEqualsOnlyItself) {
  EXPECT_EQ(canonical(Node::number("1e999999999999999999999")), "1e999999999999999999999");
  EXPECT_EQ(canonical(Node::number(".inf")), ".inf");
  EXPECT_EQ(canonical(Node::number("0xzz")), "0xzz");
}

TEST(ValueTest, TypesAreNeverMixed) {
  EXPECT_NE(Value(Value::Kind::Number, "3"), Value::string("3"));
  EXPECT_NE(Value(Value::Kind::Bool, "true"), Value::string("true"));
  EXPECT_NE(Value(Value::Kind::Null, "null"), Value::string("null"));
  EXPECT_NE(Value(Value::Kind::Composite, "[]"), Value::string("[]"));
  EXPECT_EQ(Value::string("a"), Value::string("a"));
  EXPECT_TRUE(Value::string("").is(""));
}

TEST(ValueTest, ContainersAreComparedDeeplyAndWithoutOrderOfMembers) {
  const auto map = [](std::vector<Node::Member> members) { return Node::map(std::move(members)); };
  const Node a = map({{.key = "x", .position = {}, .value = Node::number("1.0")},
                      {.key = "a\"", .position = {}, .value = Node::list({Node::null()})}});
  const Node b = map({{.key = "a\"", .position = {}, .value = Node::list({Node::null()})},
                      {.key = "x", .position = {}, .value = Node::number("1")}});

  EXPECT_EQ(canonical(a), canonical(b));
  EXPECT_EQ(canonical(a), R"({"a\"":[null],"x":1})");
  EXPECT_EQ(canonical(Node::list({Node::boolean(true), Node::string("s"), map({})})),
            R"([true,"s",{}])");
}

TEST(ValueTest, TheLastOfEqualKeysCounts) {
  const Node twice = Node::map({{.key = "k", .position = {}, .value = Node::number("1")},
                                {.key = "k", .position = {}, .value = Node::number("2")}});

  EXPECT_EQ(canonical(twice), R"({"k":2})");
}

TEST(ValueTest, DepthIsNoDanger) {
  Node deep = Node::null();
  for (int i = 0; i < 10'000; ++i) {
    std::vector<Node> items;
    items.push_back(std::move(deep));
    deep = Node::list(std::move(items));
  }

  EXPECT_EQ(canonical(deep).size(), 20'004U);
}

TEST(ValueListTest, KeepsItsViewsWhenMoved) {
  const std::vector<std::string> ids{"g-eng", "", "g-all"};
  ValueList list = ValueList::of_strings(ids);
  const ValueList moved = std::move(list);

  ASSERT_EQ(moved.values().size(), 3U);
  EXPECT_TRUE(moved.values()[0].is("g-eng"));
  EXPECT_TRUE(moved.values()[1].is(""));
  EXPECT_TRUE(moved.values()[2].is("g-all"));
}

// Covers POL-23.
TEST(ClaimTableTest, TheUsersClaimReplacesTheSessionsOfTheSameName) {
  ClaimTable::Builder builder;
  builder.set("family_name", Node::list({Node::string("Session-Smith")}));
  builder.set("level", Node::list({Node::number("3"), Node::number("4.0")}));
  builder.set("family_name", Node::list({Node::string("Smith")}));

  const ClaimTable table = std::move(builder).build();

  const Claim* family = table.view().find("family_name");
  ASSERT_NE(family, nullptr);
  ASSERT_EQ(family->values.size(), 1U);
  EXPECT_TRUE(family->values[0].is("Smith"));
  const Claim* level = table.view().find("level");
  ASSERT_NE(level, nullptr);
  ASSERT_EQ(level->values.size(), 2U);
  EXPECT_EQ(level->values[1], Value(Value::Kind::Number, "4"));
  EXPECT_EQ(table.view().all().size(), 2U);
}

TEST(ClaimTableTest, NamesAreExactAndMissingOnesAreNull) {
  ClaimTable::Builder builder;
  builder.set("groups", Node::string("one"));
  builder.set("empty", Node::list({}));
  const ClaimTable table = std::move(builder).build();

  EXPECT_EQ(table.view().find("Groups"), nullptr);
  EXPECT_EQ(table.view().find("group"), nullptr);
  EXPECT_EQ(table.view().find("zzz"), nullptr);
  EXPECT_EQ(Claims().find("groups"), nullptr);
  ASSERT_NE(table.view().find("groups"), nullptr);
  EXPECT_EQ(table.view().find("groups")->values.size(), 1U);
  ASSERT_NE(table.view().find("empty"), nullptr);
  EXPECT_TRUE(table.view().find("empty")->values.empty());
}

}  // namespace
}  // namespace vallum::policy
