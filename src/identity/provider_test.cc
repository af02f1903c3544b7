#include "identity/provider.h"

#include <algorithm>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json.h"
#include "crypto/jose/jws.h"
#include "support/captured_lines.h"
#include "support/identity/fake_provider.h"
#include "support/sim/fake_core.h"

namespace vallum::identity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::answer_json;
using testing::answer_text;
using testing::FakeCore;
using testing::FakeHttpClient;
using testing::FakeProvider;

constexpr std::string_view kIssuer = "https://idp.example";
constexpr std::string_view kCallback = "https://auth.example/oauth2/callback";
constexpr std::string_view kNonce = "the-nonce";
constexpr std::string_view kVerifier = "the-verifier-of-this-attempt-0123456789-0123456789";

class ProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    idp_.add_user({.subject = "u1",
                   .claims = {{"email", "\"u1@corp.example\""}, {"name", "\"User One\""}},
                   .userinfo_claims = {{"groups", R"(["dev","ops"])"}}});
    provider_ = make(idp_.registration(std::string(kCallback)));
  }

  std::unique_ptr<Provider> make(ProviderSettings settings) {
    auto made =
        Provider::create({.home = fake_.core, .http = web_, .log = log_}, std::move(settings));
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }

  Deadline in(Duration duration) { return fake_.core.deadline_in(duration); }

  Result<std::string> authorization_url(Duration patience = seconds(30)) {
    return async::block_on(fake_.core,
                           provider_->authorization_url({.state = "the-state",
                                                         .nonce = std::string(kNonce),
                                                         .pkce_verifier = std::string(kVerifier)},
                                                        in(patience)));
  }

  // What the browser brings back after `subject` signed in.
  LoginAnswer answer_for(std::string_view subject) {
    const auto url = authorization_url();
    EXPECT_TRUE(url.has_value()) << url.error().message();
    auto redirect = idp_.sign_in(url.value_or(""), subject);
    return {.code = std::move(redirect.code),
            .issuer = std::move(redirect.issuer),
            .nonce = std::string(kNonce),
            .pkce_verifier = std::string(kVerifier)};
  }

  Result<SignedIn> complete(LoginAnswer answer, Duration patience = seconds(30)) {
    return async::block_on(fake_.core, provider_->complete_login(std::move(answer), in(patience)));
  }

  Result<SignedIn> sign_in(std::string_view subject = "u1") {
    return complete(answer_for(subject));
  }

  ErrorKind failure(std::string_view subject = "u1") {
    const auto result = sign_in(subject);
    EXPECT_FALSE(result.has_value());
    if (!result) {
      last_failure_ = result.error().message();
    }
    return result ? ErrorKind::Internal : result.error().kind();
  }

  ProviderStatus status() { return *async::block_on(fake_.core, provider_->status()); }

  FakeCore fake_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Debug};
  telemetry::Log log_{lines_, fake_.clock, filter_, "identity"};
  FakeHttpClient web_{fake_.core};
  FakeProvider idp_{web_, fake_.clock};
  std::unique_ptr<Provider> provider_;
  std::string last_failure_;
};

TEST_F(ProviderTest, AsksWithStateNonceAndPkce) {
  const auto text = authorization_url();

  ASSERT_TRUE(text.has_value()) << text.error().message();
  const auto url = http::Uri::parse(*text);
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(text->starts_with("https://idp.example/authorize?"));
  const auto query = codec::Query::parse(*url->query());
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(*query->find("client_id"), "vallum");
  EXPECT_EQ(*query->find("redirect_uri"), kCallback);
  EXPECT_EQ(*query->find("response_type"), "code");
  EXPECT_EQ(*query->find("scope"), "openid profile email offline_access");
  EXPECT_EQ(*query->find("state"), "the-state");
  EXPECT_EQ(*query->find("nonce"), kNonce);
  EXPECT_EQ(*query->find("code_challenge_method"), "S256");
  EXPECT_EQ(text->find(kVerifier), std::string::npos);
}

TEST_F(ProviderTest, ExtraParametersCannotReplaceThoseOfTheProtocol) {
  auto settings = idp_.registration(std::string(kCallback));
  settings.scopes = {"openid", "groups"};
  settings.request_params = {{"prompt", "select_account"},
                             {"state", "planted"},
                             {"nonce", "planted"},
                             {"code_challenge", "planted"},
                             {"redirect_uri", "https://evil.example/"}};
  idp_.metadata["authorization_endpoint"] = R"("https://idp.example/authorize?tenant=t1")";
  provider_ = make(std::move(settings));

  const auto text = authorization_url();

  ASSERT_TRUE(text.has_value());
  EXPECT_TRUE(text->starts_with("https://idp.example/authorize?tenant=t1&"));
  EXPECT_NE(text->find("&prompt=select_account"), std::string::npos);
  EXPECT_NE(text->find("&scope=openid+groups"), std::string::npos);
  EXPECT_EQ(text->find("planted"), std::string::npos);
  EXPECT_EQ(text->find("evil"), std::string::npos);
}

TEST_F(ProviderTest, SignsInAUser) {
  const auto user = sign_in();

  ASSERT_TRUE(user.has_value()) << user.error().message();
  EXPECT_EQ(user->user_id, "u1");
  EXPECT_EQ(user->name, "User One");
  EXPECT_EQ(user->email, "u1@corp.example");
  ASSERT_TRUE(user->claims.contains("groups"));
  EXPECT_EQ(user->claims.find("groups")->second.size(), 2U);
  EXPECT_FALSE(user->claims.contains("sub"));
  EXPECT_FALSE(user->claims.contains("exp"));
  EXPECT_EQ(user->id_token.issuer, kIssuer);
  EXPECT_EQ(user->id_token.subject, "u1");
  EXPECT_GT(user->id_token.expires_at, fake_.clock.wall());
  EXPECT_FALSE(user->id_token.raw.empty());
  EXPECT_EQ(user->tokens.access_token.expose_text(), "access-token-of-code-1");
  EXPECT_EQ(user->tokens.refresh_token.expose_text(), "refresh-token-of-code-1");
  ASSERT_TRUE(user->tokens.expires_at.has_value());
  EXPECT_EQ(*user->tokens.expires_at - fake_.clock.wall(), hours(1));
  EXPECT_EQ(status().counters.sign_ins, 1U);
}

TEST_F(ProviderTest, AsksForItsDocumentsOnce) {
  ASSERT_TRUE(sign_in().has_value());
  ASSERT_TRUE(sign_in().has_value());

  EXPECT_EQ(idp_.calls("/.well-known/openid-configuration"), 1);
  EXPECT_EQ(idp_.calls("/jwks"), 1);
}

TEST_F(ProviderTest, AsksForItsDocumentsBeforeAnybodySignsIn) {
  ASSERT_TRUE(async::block_on(fake_.core, provider_->prepare(in(seconds(5)))).has_value());
  EXPECT_EQ(idp_.calls("/.well-known/openid-configuration"), 1);
  EXPECT_EQ(idp_.calls("/jwks"), 1);
  EXPECT_FALSE(status().problem.has_value());

  ASSERT_TRUE(async::block_on(fake_.core, provider_->prepare(in(seconds(5)))).has_value());
  ASSERT_TRUE(sign_in().has_value());
  EXPECT_EQ(idp_.calls("/.well-known/openid-configuration"), 1);
  EXPECT_EQ(idp_.calls("/jwks"), 1);
}

TEST_F(ProviderTest, KnowsThatItsProviderIsDownBeforeAnybodySignsIn) {
  web_.origin(kIssuer).fault = Error(ErrorKind::Unavailable, "refused");

  EXPECT_FALSE(async::block_on(fake_.core, provider_->prepare(in(seconds(5)))).has_value());

  EXPECT_TRUE(status().problem.has_value());
}

TEST_F(ProviderTest, SendsTheSecretAsTheProviderWantsIt) {
  idp_.metadata["token_endpoint_auth_methods_supported"] = R"(["client_secret_post"])";
  ASSERT_TRUE(sign_in().has_value());

  const auto& request = web_.origin(kIssuer).requests;
  const auto posted =
      std::ranges::find_if(request, [](const auto& r) { return r.url.path() == "/token"; });

  ASSERT_NE(posted, request.end());
  EXPECT_EQ(posted->headers.find("authorization"), nullptr);
  EXPECT_NE(posted->body.find("client_secret="), std::string::npos);
}

TEST_F(ProviderTest, SignsInAtAProviderWithoutUserinfo) {
  idp_.metadata["userinfo_endpoint"] = "";

  const auto user = sign_in();

  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->email, "u1@corp.example");
  EXPECT_FALSE(user->claims.contains("groups"));
}

// Covers OID-08, OID-09.
TEST_F(ProviderTest, RefusesTokensThatAreNotSignedWithAKeyOfTheProvider) {
  const auto unsigned_token = [](std::string_view payload) {
    return codec::encode_base64(as_bytes(R"({"alg":"none"})"), codec::Base64::UrlRaw) + "." +
           codec::encode_base64(as_bytes(payload), codec::Base64::UrlRaw) + ".";
  };
  const auto signed_with = [](std::string key) {
    return [key](std::string_view payload) {
      crypto::Hmac mac(crypto::MacAlgorithm::HmacSha256, as_bytes(key));
      return crypto::sign_hs256(mac, payload);
    };
  };
  const crypto::SigningKey foreign = crypto::SigningKey::derive(Secret("another provider"));

  idp_.signer = unsigned_token;
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  idp_.signer = signed_with("provider secret+/:");
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  idp_.signer = signed_with(idp_.key().public_jwk());
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  idp_.signer = [&](std::string_view payload) { return foreign.sign(payload); };
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  idp_.signer = [](std::string_view) { return std::string("not a token"); };
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
}

struct BadClaim {
  std::string_view name;
  std::string_view value;
};

// Covers OID-10, OID-11, OID-13.
TEST_F(ProviderTest, RefusesTokensThatAreNotTheAnswerToOurQuestion) {
  for (const auto& [name, value] : {BadClaim{"iss", R"("https://evil.example")"},
                                    BadClaim{"iss", R"("https://idp.example/")"},
                                    BadClaim{"iss", ""},
                                    BadClaim{"aud", R"("another")"},
                                    BadClaim{"aud", R"(["another"])"},
                                    BadClaim{"aud", R"(["another","vallum"])"},
                                    BadClaim{"aud", ""},
                                    BadClaim{"azp", R"("another")"},
                                    BadClaim{"nonce", R"("wrong")"},
                                    BadClaim{"nonce", "null"},
                                    BadClaim{"nonce", ""},
                                    BadClaim{"at_hash", R"("AAAA")"},
                                    BadClaim{"sub", ""},
                                    BadClaim{"sub", "7"},
                                    BadClaim{"sub", R"("")"}}) {
    idp_.id_token = {{std::string(name), std::string(value)}};

    EXPECT_EQ(failure(), ErrorKind::Unauthenticated) << name << " " << value;
    EXPECT_NE(last_failure_.find(name), std::string::npos) << last_failure_;
  }
  idp_.id_token = {{"aud", R"(["another","vallum"])"}, {"azp", R"("vallum")"}};
  EXPECT_TRUE(sign_in().has_value());
}

// Covers OID-12.
TEST_F(ProviderTest, HoldsTokensToOurClockWithAMinuteOfLeeway) {
  const std::int64_t now = unix_seconds(fake_.clock.wall());
  const auto with = [&](std::string name, std::int64_t at) {
    idp_.id_token = {{std::move(name), std::to_string(at)}};
  };

  with("exp", now - 61);
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  with("exp", now - 55);
  EXPECT_TRUE(sign_in().has_value());
  with("nbf", now + 65);
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  with("nbf", now + 55);
  EXPECT_TRUE(sign_in().has_value());
  with("iat", now + 24 * 3600);
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  with("iat", now + 55);
  EXPECT_TRUE(sign_in().has_value());
  idp_.id_token = {{"exp", ""}};
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  idp_.id_token = {{"exp", R"("tomorrow")"}};
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
}

// Covers OID-14.
TEST_F(ProviderTest, RefusesUserinfoOfAnotherUser) {
  idp_.userinfo = {{"sub", R"("u2")"}};
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);

  idp_.userinfo = {{"sub", ""}};
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
}

// Covers OID-15.
TEST_F(ProviderTest, ClaimsNamedLikeOurOwnFieldsStayClaims) {
  idp_.id_token = {{"jti", R"("victim-session")"},
                   {"idp_id", R"("other")"},
                   {"databroker_record_version", "7"},
                   {"user_id", R"("admin")"},
                   {"id", R"("admin")"}};

  const auto user = sign_in();

  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->user_id, "u1");
  EXPECT_EQ(user->id_token.subject, "u1");
  EXPECT_EQ(user->claims.find("jti")->second.front().text(), "victim-session");
}

TEST_F(ProviderTest, AnObjectIdNamesTheUserWhereThereIsOne) {
  idp_.id_token = {{"oid", R"("object-1")"}};

  const auto user = sign_in();

  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->user_id, "object-1");
  EXPECT_EQ(user->id_token.subject, "u1");
}

struct TokenFault {
  int status;
  std::string_view body;
  ErrorKind kind;
};

// Covers OID-17.
TEST_F(ProviderTest, TellsApartWhatATokenEndpointMeans) {
  for (const auto& [status, body, kind] : {
           TokenFault{400, R"({"error":"invalid_grant"})", ErrorKind::Unauthenticated},
           TokenFault{400, R"({"error":"access_denied"})", ErrorKind::Unauthenticated},
           TokenFault{401, R"({"error":"invalid_client"})", ErrorKind::Internal},
           TokenFault{400, R"({"error":"unauthorized_client"})", ErrorKind::Internal},
           TokenFault{400, "<html>", ErrorKind::Unavailable},
           TokenFault{500, R"({"error":"invalid_grant"})", ErrorKind::Unavailable},
           TokenFault{503, "", ErrorKind::Unavailable},
           TokenFault{429, R"({"error":"slow_down"})", ErrorKind::Unavailable},
           TokenFault{302, "", ErrorKind::Unavailable},
           TokenFault{200, "", ErrorKind::Unavailable},
           TokenFault{200, "[]", ErrorKind::Unavailable},
           TokenFault{200, R"({"access_token":"a","token_type":"Bearer"})", ErrorKind::Unavailable},
           TokenFault{200, R"({"id_token":"a","token_type":"Bearer"})", ErrorKind::Unavailable},
       }) {
    idp_.answers.insert_or_assign("/token", answer_json(std::string(body), status));

    EXPECT_EQ(failure(), kind) << status << " " << body;
  }
}

TEST_F(ProviderTest, NeverSendsACodeTwice) {
  idp_.answers.insert_or_assign("/token", answer_json("", 503));

  EXPECT_EQ(failure(), ErrorKind::Unavailable);

  EXPECT_EQ(idp_.calls("/token"), 1);
}

TEST_F(ProviderTest, ACodeWorksOnceAndWithItsVerifierOnly) {
  LoginAnswer stolen = answer_for("u1");
  stolen.pkce_verifier = "guessed";
  const LoginAnswer good = answer_for("u1");
  const auto copy = [&] {
    return LoginAnswer{.code = good.code,
                       .issuer = good.issuer,
                       .nonce = good.nonce,
                       .pkce_verifier = good.pkce_verifier};
  };

  EXPECT_FALSE(complete(std::move(stolen)).has_value());
  EXPECT_TRUE(complete(copy()).has_value());
  EXPECT_FALSE(complete(copy()).has_value());
}

TEST_F(ProviderTest, RefusesMissingAndOversizedCodesWithoutAsking) {
  LoginAnswer empty = answer_for("u1");
  empty.code.clear();
  LoginAnswer huge = answer_for("u1");
  huge.code = std::string(100 * 1024, 'c');

  EXPECT_EQ(complete(std::move(empty)).error().kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(complete(std::move(huge)).error().kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(idp_.calls("/token"), 0);
}

// Covers OID-30.
TEST_F(ProviderTest, RefusesTheAnswerOfAnotherProviderBeforeSendingItsCode) {
  LoginAnswer foreign = answer_for("u1");
  foreign.issuer = "https://evil.example";
  LoginAnswer unnamed = answer_for("u1");
  unnamed.issuer.reset();

  EXPECT_EQ(complete(std::move(foreign)).error().kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(complete(std::move(unnamed)).error().kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(idp_.calls("/token"), 0);
}

TEST_F(ProviderTest, ProvidersWithoutRfc9207NeedNotNameThemselves) {
  idp_.metadata["authorization_response_iss_parameter_supported"] = "";
  LoginAnswer unnamed = answer_for("u1");
  unnamed.issuer.reset();
  LoginAnswer foreign = answer_for("u1");
  foreign.issuer = "https://evil.example";

  EXPECT_TRUE(complete(std::move(unnamed)).has_value());
  EXPECT_FALSE(complete(std::move(foreign)).has_value());
}

// Covers OID-18.
TEST_F(ProviderTest, SaysWhyMetadataIsNotUsable) {
  idp_.metadata = {{"issuer", R"("https://idp.example/")"}};
  const auto other_issuer = authorization_url();
  fake_.advance(minutes(1));
  idp_.metadata = {{"jwks_uri", R"("http://idp.example/jwks")"}};
  const auto plain_keys = authorization_url();

  ASSERT_FALSE(other_issuer.has_value());
  EXPECT_EQ(other_issuer.error().kind(), ErrorKind::Unavailable);
  EXPECT_NE(other_issuer.error().message().find("'issuer' is 'https://idp.example/'"),
            std::string_view::npos);
  ASSERT_FALSE(plain_keys.has_value());
  EXPECT_NE(plain_keys.error().message().find("'jwks_uri' is not https"), std::string_view::npos);
  EXPECT_TRUE(status().problem.has_value());
}

// Covers OID-19.
TEST_F(ProviderTest, BadKeySetsFailInBoundedTimeAndTheLastGoodOneStays) {
  std::string many = R"({"keys":[{})";
  for (int i = 0; i < 10'000; ++i) {
    many += ",{}";
  }
  const std::vector<FakeHttpClient::Answer> bad = {
      answer_text(500, "text/plain", ""),
      answer_json(R"({"keys":[],"x":")" + std::string(std::size_t{10} << 20, 'x') + "\"}"),
      answer_json(many + "]}"),
      answer_json(R"({"keys":[]})"),
      answer_json("<html>")};
  for (const auto& answer : bad) {
    idp_.answers.insert_or_assign("/jwks", answer);
    EXPECT_EQ(failure(), ErrorKind::Unavailable);
    fake_.advance(minutes(1));
  }
  idp_.answers.clear();
  fake_.advance(minutes(1));
  ASSERT_TRUE(sign_in().has_value());

  fake_.advance(hours(2));
  for (const auto& answer : bad) {
    idp_.answers.insert_or_assign("/jwks", answer);
    EXPECT_TRUE(sign_in().has_value());
    fake_.advance(minutes(1));
    EXPECT_TRUE(status().problem.has_value());
  }
}

TEST_F(ProviderTest, AHangingProviderEndsAtTheCallersDeadline) {
  web_.origin(kIssuer).hangs = true;
  const Instant start = fake_.clock.now();

  const auto url = authorization_url(seconds(3));

  ASSERT_FALSE(url.has_value());
  EXPECT_EQ(url.error().kind(), ErrorKind::DeadlineExceeded);
  EXPECT_LT(fake_.clock.now() - start, seconds(4));
}

// Covers OID-20.
TEST_F(ProviderTest, FollowsAKeyRotation) {
  ASSERT_TRUE(sign_in().has_value());
  idp_.rotate_key();

  EXPECT_TRUE(sign_in().has_value());
  EXPECT_EQ(idp_.calls("/jwks"), 2);

  const crypto::SigningKey unpublished = crypto::SigningKey::derive(Secret("unpublished"));
  idp_.signer = [&](std::string_view payload) { return unpublished.sign(payload); };
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  EXPECT_EQ(idp_.calls("/jwks"), 2);
}

// Covers OID-21.
TEST_F(ProviderTest, RandomKeyIdsCauseOneFetchPerInterval) {
  ASSERT_TRUE(sign_in().has_value());
  int number = 0;
  idp_.signer = [&](std::string_view payload) {
    return crypto::SigningKey::derive(Secret("random " + std::to_string(++number))).sign(payload);
  };

  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  }
  EXPECT_EQ(idp_.calls("/jwks"), 2);

  fake_.advance(seconds(61));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(failure(), ErrorKind::Unauthenticated);
  }
  EXPECT_EQ(idp_.calls("/jwks"), 3);
}

// Covers OID-23.
TEST_F(ProviderTest, StoresOnlyAnAddressWithOneAt) {
  for (const std::string_view email :
       {"a@evil.t@corp.t", "\\\"a@evil\\\"@corp.t", "corp.t", "@corp.t", "a@", ""}) {
    idp_.id_token = {{"email", "\"" + std::string(email) + "\""}};
    idp_.userinfo = idp_.id_token;

    const auto user = sign_in();

    ASSERT_TRUE(user.has_value());
    EXPECT_EQ(user->email, "") << email;
  }
  idp_.id_token = {{"email", R"("a@corp.t.evil.t")"}};
  idp_.userinfo = idp_.id_token;
  const auto user = sign_in();
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->email, "a@corp.t.evil.t");
}

TEST_F(ProviderTest, TellsWhetherTheAddressIsVerified) {
  idp_.userinfo = {{"email_verified", R"("false")"}};
  const auto unverified = sign_in();
  idp_.userinfo = {{"email_verified", "true"}};
  const auto verified = sign_in();
  idp_.userinfo = {};
  const auto unknown = sign_in();

  ASSERT_TRUE(unverified.has_value() && verified.has_value() && unknown.has_value());
  EXPECT_EQ(unverified->email_verified, false);
  EXPECT_EQ(verified->email_verified, true);
  EXPECT_EQ(unknown->email_verified, std::nullopt);
}

// Covers OID-25.
TEST_F(ProviderTest, OversizedAndMalformedClaimsRefuseTheSignIn) {
  std::string groups = R"(["g")";
  for (int i = 0; i < 10'000; ++i) {
    groups += ",\"g" + std::to_string(i) + "\"";
  }
  groups += "]";
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');

  for (const std::string& value : {"\"" + std::string(std::size_t{1} << 20, 'x') + "\"",
                                   groups,
                                   std::string(R"("a\u0000b")"),
                                   std::string("\"\xff\""),
                                   deep}) {
    idp_.id_token = {{"claim", value}};
    EXPECT_NE(failure(), ErrorKind::Internal) << value.substr(0, 20);
  }
  idp_.id_token = {};
  EXPECT_TRUE(sign_in().has_value());
}

TEST_F(ProviderTest, RetriesByItselfUntilTheProviderIsBack) {
  web_.origin(kIssuer).fault = Error(ErrorKind::Unavailable, "refused");
  EXPECT_FALSE(authorization_url().has_value());
  fake_.advance(minutes(10));
  const std::size_t tried = web_.origin(kIssuer).requests.size();
  web_.origin(kIssuer).fault.reset();
  fake_.advance(minutes(1));

  // Found without anybody having asked.
  EXPECT_EQ(status().problem, std::nullopt);
  EXPECT_TRUE(sign_in().has_value());
  EXPECT_GE(tried, 20U);
  EXPECT_LE(tried, 60U) << "pauses grow to half a minute";
  EXPECT_NE(lines_.text().find("document cannot be fetched"), std::string::npos);
  EXPECT_NE(lines_.text().find("available again"), std::string::npos);
  EXPECT_EQ(lines_.lines().size(), 2U) << "one line per change, not per attempt";
}

TEST_F(ProviderTest, AnswersAtOnceWhileTheProviderIsKnownToBeDown) {
  web_.origin(kIssuer).fault = Error(ErrorKind::Unavailable, "refused");
  EXPECT_FALSE(authorization_url().has_value());
  const std::size_t tried = web_.origin(kIssuer).requests.size();
  const Instant start = fake_.clock.now();

  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(authorization_url().has_value());
  }

  EXPECT_EQ(web_.origin(kIssuer).requests.size(), tried);
  EXPECT_LT(fake_.clock.now() - start, milliseconds(500));
}

TEST_F(ProviderTest, ALoginHurriesTheNextAttempt) {
  web_.origin(kIssuer).fault = Error(ErrorKind::Unavailable, "refused");
  EXPECT_FALSE(authorization_url().has_value());
  fake_.advance(minutes(10));
  web_.origin(kIssuer).fault.reset();
  fake_.advance(seconds(2));

  EXPECT_TRUE(authorization_url().has_value());
}

Task<void> ask(Provider* provider, Deadline deadline, int* good) {
  const auto url = co_await provider->authorization_url(
      {.state = "s", .nonce = "n", .pkce_verifier = "v"}, deadline);
  *good += url ? 1 : 0;
}

TEST_F(ProviderTest, AThousandLoginsShareOneFetch) {
  web_.origin(kIssuer).delay = seconds(2);
  async::Scope scope(fake_.core);
  int good = 0;
  for (int i = 0; i < 1000; ++i) {
    scope.spawn(ask(provider_.get(), in(seconds(30)), &good));
  }

  fake_.advance(seconds(3));

  EXPECT_EQ(good, 1000);
  EXPECT_EQ(web_.origin(kIssuer).requests.size(), 1U);
}

TEST_F(ProviderTest, OldMetadataServesWhileANewOneIsFetched) {
  ASSERT_TRUE(sign_in().has_value());
  web_.origin(kIssuer).hangs = true;
  fake_.advance(hours(13));

  const auto url = authorization_url(seconds(1));

  EXPECT_TRUE(url.has_value());
}

Task<void> note_outcome(Provider* provider, std::string* outcome) {
  const auto url = co_await provider->authorization_url(
      {.state = "s", .nonce = "n", .pkce_verifier = "v"}, Deadline::never());
  *outcome = url ? "url" : to_string(url.error().kind());
}

TEST_F(ProviderTest, CallsUnderWayEndWhenTheProviderIsReplaced) {
  web_.origin(kIssuer).hangs = true;
  async::Scope scope(fake_.core);
  std::string outcome;
  scope.spawn(note_outcome(provider_.get(), &outcome));
  fake_.run_ready();

  provider_.reset();
  fake_.run_ready();

  EXPECT_EQ(outcome, "Cancelled");
  EXPECT_EQ(web_.under_way(), 0U);
}

TEST_F(ProviderTest, AnswersCallersOnOtherCores) {
  FakeCore other;
  async::Scope scope(other.core);
  std::string outcome;
  scope.spawn(note_outcome(provider_.get(), &outcome));

  for (int turn = 0; turn < 10; ++turn) {
    other.run_ready();
    fake_.run_ready();
  }

  EXPECT_EQ(outcome, "url");
}

TEST_F(ProviderTest, BuildsTheUrlThatEndsASession) {
  const auto url = async::block_on(
      fake_.core,
      provider_->end_session_url(
          Secret("the.id.token"), "https://auth.example/.pomerium/signed_out", in(seconds(5))));
  idp_.metadata["end_session_endpoint"] = "";
  provider_ = make(idp_.registration(std::string(kCallback)));
  const auto none = async::block_on(
      fake_.core, provider_->end_session_url(Secret("t"), "https://auth.example/", in(seconds(5))));

  ASSERT_TRUE(url.has_value() && url->has_value());
  EXPECT_EQ(**url,
            "https://idp.example/logout?client_id=vallum&id_token_hint=the.id.token"
            "&post_logout_redirect_uri=https%3A%2F%2Fauth.example%2F.pomerium%2Fsigned_out");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value());
}

TEST_F(ProviderTest, RevokesBothTokens) {
  auto user = sign_in();
  ASSERT_TRUE(user.has_value());

  const auto revoked =
      async::block_on(fake_.core, provider_->revoke(std::move(user->tokens), in(seconds(5))));
  idp_.metadata["revocation_endpoint"] = "";
  provider_ = make(idp_.registration(std::string(kCallback)));
  const auto unsupported =
      async::block_on(fake_.core, provider_->revoke(OAuthTokens(), in(seconds(5))));

  EXPECT_TRUE(revoked.has_value());
  EXPECT_EQ(idp_.revoked(),
            (std::vector<std::string>{"refresh-token-of-code-1", "access-token-of-code-1"}));
  ASSERT_FALSE(unsupported.has_value());
  EXPECT_EQ(unsupported.error().kind(), ErrorKind::NotFound);
}

TEST_F(ProviderTest, MeasuresAndNamesADifferenceOfClocks) {
  ASSERT_TRUE(authorization_url().has_value());
  EXPECT_LE(*status().clock_skew, seconds(1));
  EXPECT_TRUE(lines_.lines().empty());

  idp_.clock_ahead = minutes(3);
  EXPECT_EQ(failure(), ErrorKind::Unauthenticated) << "iat lies three minutes ahead";

  EXPECT_GT(*status().clock_skew, seconds(179));
  EXPECT_NE(lines_.text().find("its clock and ours differ"), std::string::npos);
  EXPECT_NE(last_failure_.find("clock"), std::string::npos);
}

TEST_F(ProviderTest, NoTokenCodeOrSecretIsInLogsOrErrors) {
  idp_.answers.insert_or_assign("/userinfo", answer_text(503, "text/plain", ""));
  EXPECT_EQ(failure(), ErrorKind::Unavailable);
  const std::string seen = lines_.text() + last_failure_;

  for (const std::string_view secret : {"code-1",
                                        "access-token",
                                        "refresh-token",
                                        "provider secret",
                                        "the-verifier",
                                        "the-nonce"}) {
    EXPECT_EQ(seen.find(secret), std::string::npos) << secret;
  }
}

TEST(ProviderSettingsTest, RefusesRegistrationsThatCannotWork) {
  FakeCore fake;
  testing::CapturedLines lines;
  const telemetry::LogFilter filter(telemetry::LogLevel::Debug);
  telemetry::Log log(lines, fake.clock, filter, "identity");
  FakeHttpClient web(fake.core);
  const auto create = [&](std::string issuer, std::string client_id, std::string redirect) {
    return Provider::create({.home = fake.core, .http = web, .log = log},
                            {.issuer = std::move(issuer),
                             .client_id = std::move(client_id),
                             .client_secret = Secret(),
                             .redirect_uri = std::move(redirect),
                             .scopes = {},
                             .request_params = {}})
        .has_value();
  };
  const std::string callback(kCallback);

  EXPECT_TRUE(create("https://idp.example", "c", callback));
  EXPECT_TRUE(create("http://127.0.0.1:9000/realms/x", "c", callback));
  EXPECT_FALSE(create("http://idp.example", "c", callback));
  EXPECT_FALSE(create("idp.example", "c", callback));
  EXPECT_FALSE(create("https://idp.example?x=1", "c", callback));
  EXPECT_FALSE(create("https://user@idp.example", "c", callback));
  EXPECT_FALSE(create("https://idp.example", "", callback));
  EXPECT_FALSE(create("https://idp.example", "c", "/oauth2/callback"));
}

TEST(ProviderIdTest, IsStableAndDiffersPerIssuerAndClient) {
  const std::string id = provider_id("https://idp.example", "vallum");

  EXPECT_EQ(id, provider_id("https://idp.example", "vallum"));
  EXPECT_EQ(id.size(), 43U);
  EXPECT_NE(id, provider_id("https://idp.example", "other"));
  EXPECT_NE(id, provider_id("https://idp.example/", "vallum"));
  EXPECT_NE(provider_id("https://idp.example", "avallum"),
            provider_id("https://idp.examplea", "vallum"));
}

}  // namespace
}  // namespace vallum::identity
