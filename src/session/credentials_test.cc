#include "session/credentials.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::session {
namespace {

using Fields = std::vector<std::string_view>;

struct Request {
  Fields cookie = {};
  Fields pomerium_authorization = {};
  Fields authorization = {};
  std::string_view query = {};

  Result<Credentials> find() const {
    return find_credentials({.cookie = cookie,
                             .pomerium_authorization = pomerium_authorization,
                             .authorization = authorization,
                             .query = query},
                            "_pomerium");
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    const auto found = find();
    EXPECT_TRUE(found.has_value());
    for (const Credential& credential : found->all()) {
      texts.emplace_back(credential.text);
    }
    return texts;
  }
  bool is_ambiguous() const {
    const auto found = find();
    EXPECT_TRUE(found || found.error().kind() == ErrorKind::InvalidInput);
    return !found;
  }
};

using Texts = std::vector<std::string>;

TEST(CredentialsTest, FindsEachDocumentedPlaceInOrderOfPrecedence) {
  const Request request{.cookie = {"a=1; _pomerium=c1; _pomerium=c2", "_pomerium=c3"},
                        .pomerium_authorization = {"h1"},
                        .authorization = {"Pomerium h2"},
                        .query = "x=1&pomerium_session=q1&y"};

  EXPECT_EQ(request.texts(), (Texts{"c1", "c2", "c3", "h1", "h2", "q1"}));
  EXPECT_TRUE(request.find()->has_cookie());
  EXPECT_TRUE(request.find()->has_token());
}

TEST(CredentialsTest, FindsNothingWhereNothingIsOurs) {
  const Request request{.cookie = {"session=1; pomerium=2"},
                        .pomerium_authorization = {},
                        .authorization = {"Bearer token"},
                        .query = "a=b"};

  EXPECT_EQ(request.texts(), Texts{});
  EXPECT_FALSE(request.find()->has_cookie());
  EXPECT_FALSE(request.find()->has_token());
}

// Covers SES-13.
TEST(CredentialsTest, TakesOnlyTheExactCookieName) {
  const Request request{.cookie = {"_POMERIUM=a; _pomerium2=b; x_pomerium=c; _pomerium_csrf=d"}};

  EXPECT_EQ(request.texts(), Texts{});
}

// Covers SES-13.
TEST(CredentialsTest, DoesNotUnquoteACookieValue) {
  EXPECT_EQ((Request{.cookie = {"_pomerium=\"abc\""}}.texts()), (Texts{"\"abc\""}));
}

// Covers SES-17.
TEST(CredentialsTest, TakesOnlyDocumentedFormsOfAuthorization) {
  const auto text_of = [](std::string_view value) {
    return Request{.authorization = {value}}.texts();
  };

  EXPECT_EQ(text_of("Pomerium abc"), Texts{"abc"});
  EXPECT_EQ(text_of("Bearer Pomerium-abc"), Texts{"abc"});
  EXPECT_EQ(text_of("bearer pomerium-abc"), Texts{});
  EXPECT_EQ(text_of("BEARER Pomerium-abc"), Texts{});
  EXPECT_EQ(text_of("pomerium abc"), Texts{});
  EXPECT_EQ(text_of("Bearer  Pomerium-abc"), Texts{});
  EXPECT_EQ(text_of("Bearer\tPomerium-abc"), Texts{});
  EXPECT_EQ(text_of("Pomerium\tabc"), Texts{});
}

// Covers SES-17.
TEST(CredentialsTest, IsAmbiguousWhenAHeaderOfOursStandsTwice) {
  EXPECT_TRUE((Request{.authorization = {"Pomerium a", "Pomerium a"}}.is_ambiguous()));
  EXPECT_TRUE((Request{.authorization = {"Basic x", "Bearer Pomerium-a"}}.is_ambiguous()));
  EXPECT_TRUE((Request{.authorization = {"bearer pomerium-a", "Basic x"}}.is_ambiguous()));
  EXPECT_TRUE((Request{.pomerium_authorization = {"a", "a"}}.is_ambiguous()));
  EXPECT_FALSE((Request{.authorization = {"Basic x", "Basic y"}}.is_ambiguous()));
}

TEST(CredentialsTest, IsAmbiguousPastItsLimit) {
  std::string cookies;
  for (std::size_t i = 0; i <= Credentials::kMax; ++i) {
    cookies += "_pomerium=x; ";
  }

  EXPECT_TRUE((Request{.cookie = {cookies}}.is_ambiguous()));
}

// Covers SES-18.
TEST(CredentialsTest, TakesTheQueryParameterOnlyAsWeWriteIt) {
  EXPECT_EQ((Request{.query = "pomerium_session=abc"}.texts()), Texts{"abc"});
  EXPECT_EQ((Request{.query = "&&pomerium_session=abc&"}.texts()), Texts{"abc"});
  EXPECT_EQ((Request{.query = "Pomerium_session=abc"}.texts()), Texts{});
  EXPECT_EQ((Request{.query = "pomerium%5Fsession=abc"}.texts()), Texts{});
  EXPECT_EQ((Request{.query = "xpomerium_session=abc"}.texts()), Texts{});
}

// Covers SES-19.
TEST(CredentialsTest, KnowsWhatMustNotReachAnApplicationInAnyForm) {
  for (const char* own : {"Pomerium abc",
                          "pomerium abc",
                          "Bearer Pomerium-abc",
                          "bearer   pomerium-abc",
                          "BEARER\tPOMERIUM-abc",
                          " Pomerium"}) {
    EXPECT_TRUE(carries_own_credential(own)) << own;
  }
  for (const char* foreign :
       {"", "Basic abc", "Bearer abc", "Bearer", "Pomeriumx abc", "Bearer pomeriumx"}) {
    EXPECT_FALSE(carries_own_credential(foreign)) << foreign;
  }
}

}  // namespace
}  // namespace vallum::session
