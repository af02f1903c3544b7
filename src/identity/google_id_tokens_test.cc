#include "identity/google_id_tokens.h"

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "support/captured_lines.h"
#include "support/fake_http_client.h"
#include "support/signed_tokens.h"
#include "support/sim/fake_core.h"

namespace vallum::identity {
namespace {

using namespace std::chrono_literals;
using testing::answer_json;
using testing::answer_text;

constexpr std::string_view kMetadataHost = "http://metadata";

std::string account(std::string_view pem = testing::kRsaPem,
                    std::string_view token_uri = "https://token.example/t") {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object()
      .member("type", "service_account")
      .member("client_email", "svc@project.example")
      .member("private_key", pem)
      .member("token_uri", token_uri)
      .end_object();
  return out;
}

class GoogleIdTokensTest : public ::testing::Test {
 protected:
  std::unique_ptr<GoogleIdTokens> make(std::string_view service_account = "") {
    auto made = GoogleIdTokens::create({.home = fake_.core, .http = web_, .log = log_},
                                       Secret(service_account));
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }
  Result<std::string> ask(GoogleIdTokens& tokens, std::string audience = "https://run.example") {
    return async::block_on(fake_.core,
                           tokens.token(std::move(audience), fake_.core.deadline_in(5s)));
  }
  std::size_t asked(std::string_view origin) { return web_.origin(origin).requests.size(); }

  testing::FakeCore fake_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, fake_.clock, filter_, "test"};
  testing::FakeHttpClient web_{fake_.core};
};

TEST_F(GoogleIdTokensTest, TheMetadataServerIsAskedOncePerAudienceAndThreeQuartersOfAnHour) {
  int n = 0;
  web_.serve(kMetadataHost, [&n](const http::ClientRequest&) {
    return answer_text(200, "text/html", "token-" + std::to_string(++n));
  });
  const auto tokens = make();

  EXPECT_EQ(ask(*tokens), "token-1");
  EXPECT_EQ(ask(*tokens), "token-1");
  EXPECT_EQ(ask(*tokens, "https://other.example"), "token-2");
  const http::ClientRequest& request = web_.origin(kMetadataHost).requests[0];
  EXPECT_TRUE(
      request.url.text().ends_with("/identity?format=full&audience=https%3A%2F%2Frun.example"));
  EXPECT_EQ(request.headers.value("metadata-flavor"), "Google");

  fake_.advance(46min);
  EXPECT_EQ(ask(*tokens), "token-1");  // while it is renewed
  fake_.run_ready();
  EXPECT_EQ(asked(kMetadataHost), 3U);
}

TEST_F(GoogleIdTokensTest, ATokenIsNotGivenOutPastItsLife) {
  web_.serve(kMetadataHost,
             [](const http::ClientRequest&) { return answer_text(200, "text/html", "token"); });
  const auto tokens = make();
  EXPECT_TRUE(ask(*tokens).has_value());

  web_.origin(kMetadataHost).fault = Error(ErrorKind::Unavailable, "down");
  fake_.advance(50min);
  EXPECT_TRUE(ask(*tokens).has_value());
  fake_.advance(6min);
  EXPECT_FALSE(ask(*tokens).has_value());
}

TEST_F(GoogleIdTokensTest, AnAnswerThatIsNoTokenIsNone) {
  for (const char* body : {"", "a\nb", "a b", "a,b", "\xC3\xA9"}) {
    web_.serve(kMetadataHost,
               [body](const http::ClientRequest&) { return answer_text(200, "text/html", body); });
    EXPECT_FALSE(ask(*make()).has_value()) << body;
  }
  web_.serve(kMetadataHost,
             [](const http::ClientRequest&) { return answer_text(404, "text/html", "none"); });
  EXPECT_FALSE(ask(*make()).has_value());
  web_.serve(kMetadataHost, [](const http::ClientRequest&) {
    return answer_text(200, "text/html", std::string(100'000, 'x'));
  });
  EXPECT_FALSE(ask(*make()).has_value());
}

TEST_F(GoogleIdTokensTest, AServiceAccountSignsForItsAudience) {
  std::string sent;
  web_.serve("https://token.example", [&sent](const http::ClientRequest& request) {
    sent = request.body;
    return answer_json(R"({"id_token":"the.id.token"})");
  });

  EXPECT_EQ(ask(*make(account())), "the.id.token");

  const auto form = codec::Query::parse(sent);
  ASSERT_TRUE(form.has_value());
  EXPECT_EQ(*form->find("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const auto keys =
      crypto::JwkSet::parse(crypto::SigningKeys::parse(Secret(testing::kRsaPem))->jwks());
  const auto jws = crypto::UnverifiedJws::parse(*form->find("assertion"));
  ASSERT_TRUE(jws.has_value());
  const auto payload = crypto::verify_jws(*keys, {crypto::JwsAlgorithm::Rs256}, *jws);
  ASSERT_TRUE(payload.has_value());
  const auto claims = codec::parse_json(*payload);
  EXPECT_EQ(claims->find("iss")->text(), "svc@project.example");
  EXPECT_EQ(claims->find("aud")->text(), "https://token.example/t");
  EXPECT_EQ(claims->find("target_audience")->text(), "https://run.example");
}

TEST_F(GoogleIdTokensTest, AnAccountIsJsonOrBase64OfItWithAnRsaKey) {
  const auto good = [this](const std::string& text) {
    return GoogleIdTokens::create({.home = fake_.core, .http = web_, .log = log_}, Secret(text))
        .has_value();
  };
  EXPECT_TRUE(good(account()));
  EXPECT_TRUE(good(codec::encode_base64(as_bytes(account()), codec::Base64::Std)));
  EXPECT_FALSE(good("nonsense"));
  EXPECT_FALSE(good("{}"));
  EXPECT_FALSE(good(account("no key")));
  EXPECT_FALSE(good(account(testing::kEcPem)));
  EXPECT_FALSE(good(account(testing::kRsaPem, "http://token.example/t")));
}

}  // namespace
}  // namespace vallum::identity
