#include "http/syntax/normalize.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

std::string normal(std::string_view target, const NormalizeOptions& options = {}) {
  std::string scratch;
  const auto result = normalize_target(target, options, scratch);
  return result ? std::string(result->text) : "refused";
}

TEST(NormalizeTest, LeavesANormalTargetWhereItIs) {
  for (const std::string_view target : {"/",
                                        "/a",
                                        "/a/b/",
                                        "/a?x=/../y",
                                        "/?",
                                        "/?a//b%2f",
                                        "/.well-known/pomerium",
                                        "/...",
                                        "/a.b",
                                        "/..a",
                                        "/a..",
                                        "/a;x=..",
                                        "/ADMIN",
                                        "/admin;x=y",
                                        "/a@b:c,d&e=f+g$h!i*j'k(l)"}) {
    std::string scratch;

    const auto result = normalize_target(target, {}, scratch);

    ASSERT_TRUE(result.has_value()) << target;
    EXPECT_EQ(result->text.data(), target.data()) << target;
    EXPECT_EQ(result->text, target);
    EXPECT_TRUE(scratch.empty());
  }
}

TEST(NormalizeTest, SplitsPathAndQuery) {
  std::string scratch;

  const auto with = normalize_target("/a/../b?x=1?y", {}, scratch);
  ASSERT_TRUE(with.has_value());
  EXPECT_EQ(with->path, "/b");
  EXPECT_EQ(with->query, "x=1?y");
  EXPECT_EQ(with->text, "/b?x=1?y");
  const auto empty = normalize_target("/a?", {}, scratch);
  ASSERT_TRUE(empty.has_value());
  EXPECT_TRUE(empty->has_query);
  EXPECT_EQ(empty->query, "");
  EXPECT_FALSE(normalize_target("/a", {}, scratch)->has_query);
}

// Covers HDR-15, HDR-22.
TEST(NormalizeTest, GivesOneFormToEverySpelling) {
  EXPECT_EQ(normal("/public/../admin"), "/admin");
  EXPECT_EQ(normal("/public/%2e%2e/admin"), "/admin");
  EXPECT_EQ(normal("/public/.%2E/admin"), "/admin");
  EXPECT_EQ(normal("//admin"), "/admin");
  EXPECT_EQ(normal("/admin/."), "/admin/");
  EXPECT_EQ(normal("/admin/./"), "/admin/");
  EXPECT_EQ(normal("/admin/.."), "/");
  EXPECT_EQ(normal("/./a"), "/a");
  EXPECT_EQ(normal("/b/../a"), "/a");
  EXPECT_EQ(normal("/../../a"), "/a");
  EXPECT_EQ(normal("/.."), "/");
  EXPECT_EQ(normal("/."), "/");
  EXPECT_EQ(normal("\\admin"), "/admin");
  EXPECT_EQ(normal("/\\admin"), "/admin");
  EXPECT_EQ(normal("/public\\..\\admin"), "/admin");
  EXPECT_EQ(normal("/%61dmin"), "/admin");
  EXPECT_EQ(normal("/%2epomerium/jwt"), "/.pomerium/jwt");
  EXPECT_EQ(normal("/%7Euser/%2D%5F"), "/~user/-_");
  EXPECT_EQ(normal("/a/..//evil.t"), "/evil.t");
  EXPECT_EQ(normal("////a////b//"), "/a/b/");
  EXPECT_EQ(normal("/a//../b"), "/a/b");
  EXPECT_EQ(normal(""), "/");
  EXPECT_EQ(normal("?x=1"), "/?x=1");
}

TEST(NormalizeTest, KeepsOtherEscapesWithTheirLetterCase) {
  EXPECT_EQ(normal("/%c3%BC/%3f%23/%25%20"), "/%c3%BC/%3f%23/%25%20");
  EXPECT_EQ(normal("/%252e%252e/"), "/%252e%252e/");
  EXPECT_EQ(normal("/%41%0a"), "/A%0a");
}

// Covers HDR-15.
TEST(NormalizeTest, RefusesEscapedSlashesByDefault) {
  for (const std::string_view target :
       {"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/public/..%2fadmin"}) {
    EXPECT_EQ(normal(target), "refused") << target;
  }
}

TEST(NormalizeTest, TreatsEscapedSlashesAsTold) {
  constexpr NormalizeOptions kKeep{.escaped_slashes = EscapedSlashes::Keep};
  constexpr NormalizeOptions kForward{.escaped_slashes = EscapedSlashes::UnescapeAndForward};
  constexpr NormalizeOptions kRedirect{.escaped_slashes = EscapedSlashes::UnescapeAndRedirect};
  std::string scratch;

  EXPECT_EQ(normal("/group%2fproject/%41", kKeep), "/group%2fproject/A");
  EXPECT_EQ(normal("/a%5cb%2F..%2fc", kForward), "/a/c");
  const auto redirect = normalize_target("/a%2fb?q", kRedirect, scratch);
  ASSERT_TRUE(redirect.has_value());
  EXPECT_TRUE(redirect->must_redirect);
  EXPECT_EQ(redirect->text, "/a/b?q");
  EXPECT_FALSE(normalize_target("/a/../b", kRedirect, scratch)->must_redirect);
  EXPECT_FALSE(normalize_target("/a%2fb", kForward, scratch)->must_redirect);
}

// Covers HDR-15.
TEST(NormalizeTest, RefusesDotSegmentsThatOnlySomeServersSee) {
  for (const std::string_view target : {"/..;/admin",
                                        "/public/..;x=y/admin",
                                        "/.;/a",
                                        "/a/..%3b/b",
                                        "/a/..%3B",
                                        "/%2e%2e;/a",
                                        "/a\\..;\\b"}) {
    EXPECT_EQ(normal(target), "refused") << target;
  }
  constexpr NormalizeOptions kKeep{.escaped_slashes = EscapedSlashes::Keep};
  for (const std::string_view target : {"/public/..%2fadmin",
                                        "/public/..%5cadmin",
                                        "/a%2f../b",
                                        "/a%2f.%2fb",
                                        "/a%2F%2e%2e",
                                        "/a%2f..;x"}) {
    EXPECT_EQ(normal(target, kKeep), "refused") << target;
  }
}

// Covers HDR-16.
TEST(NormalizeTest, RefusesFragmentsAndKeepsTheirEscape) {
  EXPECT_EQ(normal("/a#b"), "refused");
  EXPECT_EQ(normal("/a?b#c"), "refused");
  EXPECT_EQ(normal("/a%23b"), "/a%23b");
}

TEST(NormalizeTest, RefusesWhatHasNoAgreedMeaning) {
  for (const std::string_view target :
       {"*",   "a",     "a/b",       "http://a/",      "/%00",   "/a%00b",
        "/%",  "/%2",   "/%zz",      "/%u002e%u002e/", "/%%32e", "/a b",
        "/\t", "/\x7f", "/\xc3\xbc", "/?\xc3\xbc",     "/\r\n",  "%2fa",
        ".",   "..",    "%2e/a"}) {
    EXPECT_EQ(normal(target), "refused") << target;
  }
  EXPECT_EQ(normal(std::string_view("/a\0", 3)), "refused");
  EXPECT_EQ(normal("/?%00%zz"), "/?%00%zz");
}

TEST(NormalizeTest, DoesOnlyWhatIsSwitchedOn) {
  constexpr NormalizeOptions kNothing{
      .normalize_path = false, .merge_slashes = false, .escaped_slashes = EscapedSlashes::Keep};
  constexpr NormalizeOptions kNoMerge{.merge_slashes = false};

  EXPECT_EQ(normal("/a/../%41//b%2f\\", kNothing), "/a/../%41//b%2f\\");
  EXPECT_EQ(normal("/%00", kNothing), "refused");
  EXPECT_EQ(normal("/a//b/../c", kNoMerge), "/a//c");
}

TEST(DecodePathTest, DecodesEveryEscapeAndCopiesOnlyThen) {
  std::string scratch;
  constexpr std::string_view kPlain = "/a/b";

  EXPECT_EQ(decode_path(kPlain, scratch).data(), kPlain.data());
  EXPECT_EQ(decode_path("/a%20b/%C3%bc", scratch), "/a b/\xc3\xbc");
  EXPECT_EQ(decode_path("/%2525", scratch), "/%25");
  EXPECT_EQ(decode_path("/a%2Fb", scratch), "/a/b");
}

}  // namespace
}  // namespace vallum::http
