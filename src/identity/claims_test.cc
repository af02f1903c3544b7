#include "identity/claims.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/json.h"

namespace vallum::identity {
namespace {

using codec::Node;

Node json(std::string_view text) {
  auto node = codec::parse_json(text);
  EXPECT_TRUE(node.has_value()) << text;
  return node ? *std::move(node) : Node();
}

Result<Claims> flatten(std::string_view text) {
  return flatten_claims(json(text));
}

std::vector<std::string> texts(const Claims& claims, std::string_view name) {
  std::vector<std::string> out;
  const auto found = claims.find(name);
  if (found != claims.end()) {
    for (const Node& node : found->second) {
      out.push_back(node.text());
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

// Policy specification 10.
TEST(ClaimsTest, NestedNamesAreJoinedAndEveryValueIsAList) {
  const auto claims = flatten(
      R"({"a":{"b":{"c":1},"d":[true,"x"]},"list":["p","q"],"one":"v","empty":{},"none":[]})");

  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(texts(*claims, "a.b.c"), Texts{"1"});
  EXPECT_TRUE(claims->find("a.b.c")->second.front().is_number());
  EXPECT_TRUE(claims->find("a.d")->second.front().is_bool());
  EXPECT_EQ(texts(*claims, "list"), (Texts{"p", "q"}));
  EXPECT_EQ(texts(*claims, "one"), Texts{"v"});
  EXPECT_FALSE(claims->contains("empty"));
  ASSERT_TRUE(claims->contains("none"));
  EXPECT_TRUE(claims->find("none")->second.empty());
  EXPECT_EQ(claims->size(), 5U);
}

TEST(ClaimsTest, ElementsOfListsKeepTheirShape) {
  const auto claims = flatten(R"({"roles":[{"name":"admin","scope":["x"]},["y"],null]})");

  ASSERT_TRUE(claims.has_value());
  const auto& roles = claims->find("roles")->second;
  ASSERT_EQ(roles.size(), 3U);
  EXPECT_EQ(roles[0].find("name")->text(), "admin");
  EXPECT_EQ(roles[1].items().front().text(), "y");
  EXPECT_TRUE(roles[2].is_null());
}

TEST(ClaimsTest, ProtocolClaimsAreLeftOutAtTheTopOnly) {
  const auto claims =
      flatten(R"({"iss":"i","sub":"s","exp":1,"iat":2,"aud":"a","act":{"sub":"inner"}})");

  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->size(), 2U);
  EXPECT_EQ(texts(*claims, "aud"), Texts{"a"});
  EXPECT_EQ(texts(*claims, "act.sub"), Texts{"inner"});
}

TEST(ClaimsTest, ANameWrittenWithDotsWinsOverAJoinedOne) {
  const auto nested_first = flatten(R"({"a":{"b":"joined"},"a.b":"written"})");
  const auto written_first = flatten(R"({"a.b":"written","a":{"b":"joined"}})");

  ASSERT_TRUE(nested_first.has_value() && written_first.has_value());
  EXPECT_EQ(texts(*nested_first, "a.b"), Texts{"written"});
  EXPECT_EQ(texts(*written_first, "a.b"), Texts{"written"});
}

// Covers OID-25.
TEST(ClaimsTest, EveryBoundRefusesAndNamesTheClaim) {
  std::string names = "{";
  for (int i = 0; i < 501; ++i) {
    names += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + "\":1";
  }
  std::string values = R"({"big":[0)";
  for (int i = 0; i < 5000; ++i) {
    values += ",0";
  }
  std::string texts = "{\"t0\":1";
  for (int i = 0; i < 10; ++i) {
    texts += ",\"long" + std::to_string(i) + "\":\"" + std::string(15'000, 'x') + "\"";
  }

  const auto many_names = flatten(names + "}");
  const auto many_values = flatten(values + "]}");
  const auto many_bytes = flatten(texts + "}");
  const auto long_text = flatten(R"({"long":")" + std::string(17'000, 'x') + "\"}");
  const auto long_name = flatten("{\"" + std::string(300, 'n') + "\":1}");
  const auto nul = flatten(R"({"zero":"a\u0000b"})");
  const auto nul_inside = flatten(R"({"zero":[{"x":["\u0000"]}]})");
  const auto nul_name = flatten(R"({"a\u0000b":1})");

  EXPECT_FALSE(many_names.has_value());
  EXPECT_FALSE(many_bytes.has_value());
  EXPECT_FALSE(long_name.has_value());
  EXPECT_FALSE(nul_inside.has_value());
  EXPECT_FALSE(nul_name.has_value());
  ASSERT_FALSE(many_values.has_value());
  EXPECT_NE(many_values.error().message().find("'big'"), std::string_view::npos);
  ASSERT_FALSE(long_text.has_value());
  EXPECT_NE(long_text.error().message().find("'long'"), std::string_view::npos);
  ASSERT_FALSE(nul.has_value());
  EXPECT_EQ(nul.error().kind(), ErrorKind::InvalidInput);
}

TEST(UserinfoTest, WinsOverTheIdToken) {
  const Node merged = merge_userinfo(json(R"({"sub":"u","name":"old","only":"token"})"),
                                     json(R"({"sub":"u","name":"new","more":[1]})"));

  EXPECT_EQ(merged.find("name")->text(), "new");
  EXPECT_EQ(merged.find("only")->text(), "token");
  EXPECT_EQ(merged.find("more")->items().size(), 1U);
  EXPECT_EQ(merged.members().size(), 4U);
}

TEST(UserinfoTest, ReadsVerificationWrittenAsText) {
  const Node none = json("{}");

  EXPECT_TRUE(
      merge_userinfo(none, json(R"({"email_verified":"true"})")).find("email_verified")->as_bool());
  EXPECT_FALSE(merge_userinfo(none, json(R"({"email_verified":"false"})"))
                   .find("email_verified")
                   ->as_bool());
  EXPECT_TRUE(merge_userinfo(none, json(R"({"email_verified":"TRUE"})"))
                  .find("email_verified")
                  ->is_string());
}

TEST(UserinfoTest, MailStandsInForAMissingEmail) {
  const Node none = json("{}");

  EXPECT_EQ(merge_userinfo(none, json(R"({"mail":"a@b.c"})")).find("email")->text(), "a@b.c");
  EXPECT_EQ(merge_userinfo(none, json(R"({"mail":"no address"})")).find("email"), nullptr);
  EXPECT_EQ(merge_userinfo(json(R"({"email":"x@y.z"})"), json(R"({"mail":"a@b.c"})"))
                .find("email")
                ->text(),
            "x@y.z");
}

TEST(UsableEmailTest, WantsExactlyOneAtWithSomethingOnBothSides) {
  EXPECT_EQ(usable_email("a@b"), "a@b");
  EXPECT_EQ(usable_email("A.B@Corp.Example"), "A.B@Corp.Example");
  EXPECT_EQ(usable_email(""), "");
  EXPECT_EQ(usable_email("a"), "");
  EXPECT_EQ(usable_email("@b"), "");
  EXPECT_EQ(usable_email("a@"), "");
  EXPECT_EQ(usable_email("a@b@c"), "");
  EXPECT_EQ(usable_email("@@"), "");
}

}  // namespace
}  // namespace vallum::identity
