// From a token to its session: verification, its limits, and what is stored.
#include "identity/bearer/bearer_tokens.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json_writer.h"
#include "crypto/hmac.h"
#include "crypto/jose/jws.h"
#include "databroker/store/memory_store.h"
#include "support/captured_lines.h"
#include "support/identity/fake_provider.h"
#include "support/sim/fake_core.h"

namespace vallum::identity {
namespace {

using namespace std::chrono_literals;
using config::BearerRules;
using config::BearerTokenFormat;
using session::BearerSession;
using testing::answer_json;
using testing::FakeHttpClient;
using Members = std::map<std::string, std::string>;

constexpr std::string_view kCi = "https://ci.example";
constexpr std::string_view kKeys = "https://keys.example";

config::TokenIssuer issuer_named(std::string name, std::string url) {
  config::TokenIssuer made;
  made.id = name + " " + url;
  made.name = std::move(name);
  made.issuer = std::move(url);
  made.jwks_url = *http::Uri::parse(std::string(kKeys) + "/" + made.name);
  made.algorithms = {crypto::JwsAlgorithm::Rs256, crypto::JwsAlgorithm::Es256};
  made.audiences = {"deploy"};
  return made;
}

class BearerTokensTest : public ::testing::Test {
 protected:
  void SetUp() override {
    web_.serve(kKeys, [this](const http::ClientRequest& request) {
      return answer_json(request.url.path() == "/ci" ? ci_.jwks() : lab_.jwks());
    });
    idp_.add_user({.subject = "alice",
                   .claims = {{"email", R"("alice@example.com")"},
                              {"name", R"("Alice")"},
                              {"groups", R"(["dev"])"}}});
    provider_ = *Provider::create({.home = fake_.core, .http = web_, .log = log_},
                                  idp_.registration("https://auth.example/oauth2/callback"));
    tokens_.emplace(BearerTokens::Parts{.home = fake_.core,
                                        .http = web_,
                                        .log = log_,
                                        .broker = broker_,
                                        .provider = provider_.get()},
                    settings());
  }

  static BearerSettings settings() {
    return {.issuers = {issuer_named("ci", std::string(kCi)),
                        issuer_named("lab", "https://lab.example")},
            .session_lifetime = 14h,
            .groups_claim = "groups"};
  }
  static BearerRules jwt_rules() {
    BearerRules rules{.format = BearerTokenFormat::Jwt,
                      .issuers = {},
                      .audiences = std::nullopt,
                      .client_id = {}};
    for (const config::TokenIssuer& issuer : settings().issuers) {
      rules.issuers.push_back({.id = issuer.id, .audiences = issuer.audiences});
    }
    return rules;
  }
  static BearerRules idp_rules(BearerTokenFormat format) {
    return {.format = format, .issuers = {}, .audiences = std::nullopt, .client_id = "vallum"};
  }

  // The claims of a good token of ci; "" as an override takes a member away.
  std::string payload(const Members& overrides = {}) const {
    const std::int64_t now = unix_seconds(fake_.clock.wall());
    Members members{{"iss", "\"" + std::string(kCi) + "\""},
                    {"aud", R"("deploy")"},
                    {"sub", R"("repo:a/b")"},
                    {"iat", std::to_string(now)},
                    {"exp", std::to_string(now + 600)}};
    for (const auto& [name, value] : overrides) {
      members[name] = value;
    }
    std::string text;
    codec::JsonWriter json(text);
    json.begin_object();
    for (const auto& [name, value] : members) {
      if (!value.empty()) {
        json.any_key(name).raw(value);
      }
    }
    json.end_object();
    return text;
  }
  std::string token(const Members& overrides = {}) const {
    return ci_.active().sign(payload(overrides));
  }

  Async<BearerSession> start(const std::string& text, BearerRules rules, Duration patience = 30s) {
    return tokens_->session_of({.token = Secret(std::string_view(text)), .rules = std::move(rules)},
                               fake_.core.deadline_in(patience));
  }
  Result<BearerSession> ask(const std::string& text, BearerRules rules) {
    return async::block_on(fake_.core, start(text, std::move(rules)));
  }
  Result<BearerSession> ask_jwt(const std::string& text) { return ask(text, jwt_rules()); }
  Result<BearerSession> ask_idp(BearerTokenFormat format, const std::string& text) {
    return ask(text, idp_rules(format));
  }
  // Why a token is refused; anything else than a refusal fails the test.
  std::string refusal(const Result<BearerSession>& result) {
    EXPECT_FALSE(result.has_value());
    if (result) {
      return "";
    }
    EXPECT_EQ(result.error().kind(), ErrorKind::Unauthenticated) << result.error().message();
    return std::string(result.error().message());
  }
  static ErrorKind failure(const Result<BearerSession>& result) {
    return result ? ErrorKind::Internal : result.error().kind();
  }

  databroker::Value value(databroker::RecordKey key) {
    auto found = async::block_on(fake_.core, broker_.get(std::move(key), soon()));
    return found ? found->value : databroker::Value();
  }
  session::SessionRecord stored(const std::string& id) {
    auto record = session::decode_session(value(session::session_key(id)));
    EXPECT_TRUE(record.has_value());
    return record ? *std::move(record) : session::SessionRecord();
  }
  void put(databroker::RecordKey key, databroker::Value written) {
    databroker::Batch batch;
    batch.push_back(databroker::Write::put(std::move(key), std::move(written)));
    EXPECT_TRUE(async::block_on(fake_.core, broker_.put(std::move(batch), soon())).has_value());
  }
  Deadline soon() { return fake_.core.deadline_in(5s); }
  std::size_t key_fetches() { return web_.origin(kKeys).requests.size(); }

  testing::FakeCore fake_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Debug};
  telemetry::Log log_{lines_, fake_.clock, filter_, "test"};
  FakeHttpClient web_{fake_.core};
  testing::FakeProvider idp_{web_, fake_.clock};
  crypto::SigningKeys ci_ = crypto::SigningKeys::derive(Secret("key of ci"));
  crypto::SigningKeys lab_ = crypto::SigningKeys::derive(Secret("key of lab"));
  databroker::Databroker broker_{{.home = fake_.core,
                                  .store = std::make_unique<databroker::MemoryStore>(fake_.entropy),
                                  .cores = 1,
                                  .storage = databroker::Databroker::Storage::OnCallingCore}};
  std::unique_ptr<Provider> provider_;
  std::optional<BearerTokens> tokens_;
};

TEST_F(BearerTokensTest, AJwtMakesASessionThatEndsWithIt) {
  const std::string text = token({{"email", R"("bot@ci.example")"}, {"ref", R"("main")"}});
  const auto made = ask_jwt(text);

  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_EQ(made->session_id, session::bearer_session_id(BearerTokenFormat::Jwt, "ci", text));
  const session::SessionRecord record = stored(made->session_id);
  EXPECT_EQ(record.user_id, "ci/repo:a/b");
  EXPECT_TRUE(record.refresh_disabled);
  EXPECT_EQ(record.expires_at, fake_.clock.wall() + 600s);
  EXPECT_NE(session::find_claim(record.claims, "ref"), nullptr);
  const auto user = session::decode_user(value(session::user_key("ci/repo:a/b")));
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->email, "bot@ci.example");
  EXPECT_TRUE(user->claims.empty());
}

TEST_F(BearerTokensTest, ASessionLivesNoLongerThanOneOfACookie) {
  const auto made =
      ask_jwt(token({{"exp", std::to_string(unix_seconds(fake_.clock.wall()) + 100 * 3600)}}));

  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(stored(made->session_id).expires_at, fake_.clock.wall() + 14h);
}

TEST_F(BearerTokensTest, NoTokenIsStoredOrLogged) {
  const std::string text = token();
  const std::string id_token = idp_.issue_id_token("alice");
  const std::string access_token = idp_.issue_access_token("alice");
  idp_.userinfo["azp"] = R"("vallum")";
  std::string all;
  for (const auto& made : {ask_jwt(text),
                           ask_idp(BearerTokenFormat::IdpIdentityToken, id_token),
                           ask_idp(BearerTokenFormat::IdpAccessToken, access_token)}) {
    ASSERT_TRUE(made.has_value()) << made.error().message();
    all += value(session::session_key(made->session_id)).bytes;
  }
  all += value(session::user_key("alice")).bytes + lines_.text();

  for (const std::string& secret : {text, id_token, access_token}) {
    EXPECT_FALSE(all.contains(secret));
    EXPECT_FALSE(all.contains(secret.substr(secret.rfind('.') + 1)));
  }
}

// Covers TOK-06.
TEST_F(BearerTokensTest, AStoredSessionIsUsedWithoutALook) {
  const std::string text = token();
  const auto first = ask_jwt(text);
  const auto second = ask_jwt(text);

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->session_id, second->session_id);
  EXPECT_EQ(tokens_->verifications(), 1U);
}

TEST_F(BearerTokensTest, AnEndedSessionOfAGoodTokenIsMadeAnew) {
  const std::string text =
      token({{"exp", std::to_string(unix_seconds(fake_.clock.wall()) + 20 * 3600)}});
  ASSERT_TRUE(ask_jwt(text).has_value());
  fake_.advance(15h);

  const auto again = ask_jwt(text);

  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(stored(again->session_id).expires_at, fake_.clock.wall() + 5h);
  fake_.advance(5h);
  EXPECT_TRUE(refusal(ask_jwt(text)).contains("'exp' is in the past"));
}

// Covers TOK-03.
TEST_F(BearerTokensTest, AnIssuerThatIsNotTakenIsNotAskedForKeys) {
  BearerRules lab_only = jwt_rules();
  lab_only.issuers.erase(lab_only.issuers.begin());

  EXPECT_TRUE(refusal(ask(token(), lab_only)).contains("nobody whose tokens are taken"));
  EXPECT_TRUE(refusal(ask_jwt(token({{"iss", R"("https://evil.example")"}})))
                  .contains("nobody whose tokens are taken"));
  EXPECT_TRUE(refusal(ask_jwt(token({{"iss", ""}}))).contains("names no issuer"));
  EXPECT_TRUE(refusal(ask_jwt("opaque")).contains("names no issuer"));
  EXPECT_EQ(key_fetches(), 0U);
}

TEST_F(BearerTokensTest, TheKeysOfOneIssuerVerifyNoTokenOfAnother) {
  EXPECT_NE(refusal(ask_jwt(token({{"iss", R"("https://lab.example")"}}))), "");
  EXPECT_NE(refusal(ask_jwt(lab_.active().sign(payload()))), "");
}

// Covers TOK-04.
TEST_F(BearerTokensTest, OnlyTheIssuersAlgorithmsAndKeysCount) {
  const auto part = [](std::string_view text) {
    return codec::encode_base64(as_bytes(text), codec::Base64::UrlRaw);
  };
  // The public key as an HMAC secret, as RFC 8725 2.1 tells of.
  crypto::Hmac key(crypto::MacAlgorithm::HmacSha256, as_bytes(ci_.jwks()));
  const std::string by_hmac = crypto::sign_hs256(key, payload());
  const std::string none = part(R"({"alg":"none"})") + "." + part(payload()) + ".";
  const std::string jku =
      part(R"({"alg":"ES256","jku":"https://evil.example/k","x5u":"https://evil.example/c",)"
           R"("jwk":{"kty":"EC","crv":"P-256"}})") +
      "." + part(payload()) + "." + part(std::string(64, 'x'));
  std::string altered = token();
  altered[altered.find('.') + 5] ^= 1;

  EXPECT_TRUE(refusal(ask_jwt(by_hmac)).contains("not allowed"));
  EXPECT_NE(refusal(ask_jwt(none)), "");
  EXPECT_EQ(key_fetches(), 0U);
  EXPECT_NE(refusal(ask_jwt(jku)), "");
  EXPECT_NE(refusal(ask_jwt(altered)), "");
}

// Covers TOK-05.
TEST_F(BearerTokensTest, EveryClaimThatProtectsIsNeeded) {
  const std::int64_t now = unix_seconds(fake_.clock.wall());
  const std::vector<std::pair<Members, std::string>> bad = {
      {{{"exp", ""}}, "'exp' is missing"},
      {{{"exp", "\"soon\""}}, "'exp' is not a date"},
      {{{"exp", std::to_string(now)}}, "'exp' is in the past"},
      {{{"nbf", std::to_string(now + 120)}}, "'nbf' is in the future"},
      {{{"iat", std::to_string(now + 120)}}, "'iat' is in the future"},
      {{{"sub", ""}}, "'sub'"},
      {{{"sub", "\"\""}}, "'sub'"},
      {{{"sub", "7"}}, "'sub'"},
      {{{"aud", ""}}, "'aud'"},
      {{{"aud", R"("deployer")"}}, "'aud'"},
      {{{"aud", R"(["x","y"])"}}, "'aud'"}};
  for (const auto& [overrides, why] : bad) {
    EXPECT_TRUE(refusal(ask_jwt(token(overrides))).contains(why)) << why;
  }
  EXPECT_TRUE(ask_jwt(token({{"aud", R"(["x","deploy"])"}})).has_value());
  EXPECT_TRUE(ask_jwt(token({{"iat", ""}})).has_value());
}

TEST_F(BearerTokensTest, AnUnverifiedAddressIsNobodys) {
  ASSERT_TRUE(ask_jwt(token({{"email", R"("boss@example.com")"}, {"email_verified", "false"}}))
                  .has_value());
  EXPECT_EQ(session::decode_user(value(session::user_key("ci/repo:a/b")))->email, "");
}

TEST_F(BearerTokensTest, AProviderThatIsDownIsNoRefusal) {
  web_.origin(kKeys).fault = Error(ErrorKind::Unavailable, "connection refused");
  const std::string text = token();

  EXPECT_EQ(failure(ask_jwt(text)), ErrorKind::Unavailable);
  web_.origin(kKeys).fault.reset();
  fake_.advance(2s);
  EXPECT_TRUE(ask_jwt(text).has_value());
}

TEST_F(BearerTokensTest, OneVerificationServesAllWhoAsk) {
  web_.origin(kKeys).delay = 2s;
  const std::string text = token();
  std::vector<std::string> ids;
  auto join = [](Async<BearerSession> one, std::vector<std::string>* into) -> Task<void> {
    const Result<BearerSession> made = co_await std::move(one);
    into->push_back(made ? made->session_id : std::string(made.error().message()));
  };
  async::Scope scope(fake_.core);
  for (int i = 0; i < 5; ++i) {
    scope.spawn(join(start(text, jwt_rules()), &ids));
  }
  scope.spawn(join(start(text, jwt_rules(), 1s), &ids));
  fake_.advance(3s);

  ASSERT_EQ(ids.size(), 6U);
  EXPECT_EQ(ids.front(), "the token could not be verified in time");
  EXPECT_EQ(std::ranges::count(ids, ids.back()), 5);
  EXPECT_EQ(tokens_->verifications(), 1U);
}

// Covers TOK-06.
TEST_F(BearerTokensTest, OneTokenAtTwoNodesHasOneSession) {
  BearerTokens other({.home = fake_.core,
                      .http = web_,
                      .log = log_,
                      .broker = broker_,
                      .provider = provider_.get()},
                     settings());
  web_.origin(kKeys).delay = 1s;
  const std::string text = token();
  std::vector<std::string> ids;
  auto join = [](Async<BearerSession> one, std::vector<std::string>* into) -> Task<void> {
    const Result<BearerSession> made = co_await std::move(one);
    into->push_back(made ? made->session_id : std::string(made.error().message()));
  };
  async::Scope scope(fake_.core);
  scope.spawn(join(start(text, jwt_rules()), &ids));
  scope.spawn(join(other.session_of({.token = Secret(std::string_view(text)), .rules = jwt_rules()},
                                    fake_.core.deadline_in(30s)),
                   &ids));
  fake_.advance(3s);

  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(tokens_->verifications() + other.verifications(), 2U);
  EXPECT_EQ(stored(ids[0]).user_id, "ci/repo:a/b");
}

TEST_F(BearerTokensTest, VerificationsUnderWayAreBounded) {
  idp_.userinfo["azp"] = R"("vallum")";
  ASSERT_TRUE(
      ask_idp(BearerTokenFormat::IdpAccessToken, idp_.issue_access_token("alice")).has_value());
  web_.origin("https://idp.example").hangs = true;
  int exhausted = 0;
  int ended = 0;
  auto join = [](Async<BearerSession> one, int* full, int* all) -> Task<void> {
    const Result<BearerSession> made = co_await std::move(one);
    *full += failure(made) == ErrorKind::ResourceExhausted ? 1 : 0;
    ++*all;
  };
  async::Scope scope(fake_.core);
  for (std::size_t i = 0; i < BearerTokens::kVerificationsMax + 3; ++i) {
    scope.spawn(
        join(start("guess-" + std::to_string(i), idp_rules(BearerTokenFormat::IdpAccessToken)),
             &exhausted,
             &ended));
  }
  fake_.run_ready();
  EXPECT_EQ(exhausted, 3);
  fake_.advance(60s);

  EXPECT_EQ(ended, static_cast<int>(BearerTokens::kVerificationsMax) + 3);
  // They make room for others.
  web_.origin("https://idp.example").hangs = false;
  EXPECT_NE(refusal(ask_idp(BearerTokenFormat::IdpAccessToken, "guess-1")), "");
}

TEST_F(BearerTokensTest, ABadTokenIsShownToTheProviderOnceInAWhile) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(refusal(ask_idp(BearerTokenFormat::IdpAccessToken, "stolen")), "");
  }
  EXPECT_EQ(idp_.calls("/userinfo"), 1);
  fake_.advance(BearerTokens::kRefusedFor);
  EXPECT_NE(refusal(ask_idp(BearerTokenFormat::IdpAccessToken, "stolen")), "");
  EXPECT_EQ(idp_.calls("/userinfo"), 2);
}

// Covers TOK-02.
TEST_F(BearerTokensTest, AnIdTokenMustBeOfOurClientAndCurrent) {
  const auto format = BearerTokenFormat::IdpIdentityToken;
  const auto made = ask_idp(format, idp_.issue_id_token("alice"));
  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_EQ(stored(made->session_id).user_id, "alice");
  EXPECT_EQ(stored(made->session_id).expires_at, fake_.clock.wall() + 1h);

  idp_.id_token["aud"] = R"("another-client")";
  EXPECT_TRUE(refusal(ask_idp(format, idp_.issue_id_token("alice"))).contains("'aud'"));
  idp_.id_token = {{"azp", R"("another-client")"}};
  EXPECT_TRUE(refusal(ask_idp(format, idp_.issue_id_token("alice"))).contains("'azp'"));
  // Within the leeway of a sign-in, and not of a session.
  idp_.id_token = {{"exp", std::to_string(unix_seconds(fake_.clock.wall()))}};
  EXPECT_TRUE(refusal(ask_idp(format, idp_.issue_id_token("alice"))).contains("'exp'"));
  idp_.id_token = {{"iss", R"("https://another.example")"}};
  EXPECT_TRUE(refusal(ask_idp(format, idp_.issue_id_token("alice"))).contains("'iss'"));
  EXPECT_NE(refusal(ask_idp(format, token())), "");
  EXPECT_NE(refusal(ask_idp(format, idp_.issue_access_token("alice"))), "");
}

// Covers TOK-01.
TEST_F(BearerTokensTest, AnAccessTokenMustBeOfOurClient) {
  const auto format = BearerTokenFormat::IdpAccessToken;
  // Nobody says whom it was issued to.
  EXPECT_TRUE(
      refusal(ask_idp(format, idp_.issue_access_token("alice"))).contains("another client"));
  idp_.userinfo["client_id"] = R"("another")";
  EXPECT_TRUE(
      refusal(ask_idp(format, idp_.issue_access_token("alice"))).contains("another client"));
  idp_.userinfo["client_id"] = R"("vallum")";
  EXPECT_TRUE(ask_idp(format, idp_.issue_access_token("alice")).has_value());
}

// Covers TOK-01.
TEST_F(BearerTokensTest, IntrospectionTellsWhomAnAccessTokenIsFor) {
  idp_.metadata["introspection_endpoint"] = R"("https://idp.example/introspect")";
  // What userinfo says of the like does not count then.
  idp_.userinfo["client_id"] = R"("vallum")";
  idp_.introspection["client_id"] = R"("another")";
  const auto format = BearerTokenFormat::IdpAccessToken;
  EXPECT_TRUE(
      refusal(ask_idp(format, idp_.issue_access_token("alice"))).contains("another client"));

  idp_.introspection = {{"aud", R"(["api"])"}};
  BearerRules rules = idp_rules(format);
  rules.audiences = std::vector<std::string>{"api"};
  const std::string text = idp_.issue_access_token("alice");
  EXPECT_TRUE(ask(text, rules).has_value());
  // The session is there, and is for nobody else.
  rules.audiences = std::vector<std::string>{"billing"};
  EXPECT_TRUE(refusal(ask(text, rules)).contains("another audience"));

  idp_.introspection["sub"] = R"("bob")";
  EXPECT_TRUE(refusal(ask_idp(format, idp_.issue_access_token("alice"))).contains("'sub'"));
}

TEST_F(BearerTokensTest, ASignedAccessTokenTellsItself) {
  const auto format = BearerTokenFormat::IdpAccessToken;
  const std::int64_t now = unix_seconds(fake_.clock.wall());
  const auto signed_token = [&](std::string_view client, std::int64_t until) {
    return idp_.key().sign(R"({"iss":"https://idp.example","sub":"alice","client_id":")" +
                           std::string(client) + R"(","exp":)" + std::to_string(until) + "}");
  };
  idp_.answers.emplace("/userinfo", answer_json(R"({"sub":"alice","client_id":"vallum"})"));

  const auto made = ask_idp(format, signed_token("vallum", now + 60));
  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_EQ(stored(made->session_id).expires_at, fake_.clock.wall() + 60s);
  EXPECT_TRUE(refusal(ask_idp(format, signed_token("other", now + 60))).contains("client"));
  EXPECT_TRUE(refusal(ask_idp(format, signed_token("vallum", now - 1))).contains("'exp'"));
}

// Covers TOK-08.
TEST_F(BearerTokensTest, ARevokedAccessTokenIsFoundOut) {
  idp_.userinfo["azp"] = R"("vallum")";
  const auto format = BearerTokenFormat::IdpAccessToken;
  const std::string text = idp_.issue_access_token("alice");
  ASSERT_TRUE(ask_idp(format, text).has_value());
  idp_.revoke_access_token(text);
  EXPECT_TRUE(ask_idp(format, text).has_value());

  fake_.advance(BearerTokens::kAccessTokenGoodFor);

  EXPECT_TRUE(refusal(ask_idp(format, text)).contains("refuses it"));
}

TEST_F(BearerTokensTest, UserinfoThatFailsIsNoRefusal) {
  const auto format = BearerTokenFormat::IdpAccessToken;
  idp_.answers.emplace("/userinfo", answer_json("{}", 500));
  EXPECT_EQ(failure(ask_idp(format, "one")), ErrorKind::Unavailable);
  idp_.answers.insert_or_assign("/userinfo", answer_json("[]", 200));
  EXPECT_EQ(failure(ask_idp(format, "one")), ErrorKind::Unavailable);
}

TEST_F(BearerTokensTest, AnOldTokenDoesNotChangeWhatIsKnownSince) {
  const std::string old = idp_.issue_id_token("alice");
  fake_.advance(10s);
  put(session::user_key("alice"),
      *session::encode_user(
          {.id = "alice", .name = "A", .email = "new@example.com", .claims = {}}));
  ASSERT_TRUE(ask_idp(BearerTokenFormat::IdpIdentityToken, old).has_value());
  EXPECT_EQ(session::decode_user(value(session::user_key("alice")))->email, "new@example.com");

  fake_.advance(10s);
  ASSERT_TRUE(
      ask_idp(BearerTokenFormat::IdpIdentityToken, idp_.issue_id_token("alice")).has_value());
  EXPECT_EQ(session::decode_user(value(session::user_key("alice")))->email, "alice@example.com");
}

TEST_F(BearerTokensTest, ClaimedGroupsBecomeTheUsersUnlessADirectoryKnowsBetter) {
  ASSERT_TRUE(
      ask_idp(BearerTokenFormat::IdpIdentityToken, idp_.issue_id_token("alice")).has_value());
  const auto key = session::directory_user_key("alice");
  EXPECT_EQ(session::decode_directory_user(value(key))->group_ids.items().size(), 1U);

  session::DirectoryUser synced;
  synced.id = "alice";
  synced.group_ids = codec::Node::list({});
  put(key, *session::encode_directory_user(synced));
  fake_.advance(10s);
  ASSERT_TRUE(
      ask_idp(BearerTokenFormat::IdpIdentityToken, idp_.issue_id_token("alice")).has_value());
  EXPECT_TRUE(session::decode_directory_user(value(key))->group_ids.items().empty());
}

TEST_F(BearerTokensTest, ASessionOfAnIssuerThatHasChangedDoesNotCount) {
  const std::string text = token();
  const auto made = ask_jwt(text);
  ASSERT_TRUE(made.has_value());
  session::SessionRecord record = stored(made->session_id);
  record.idp_id = "ci https://somebody-else.example";
  put(session::session_key(made->session_id), *session::encode_session(record));

  EXPECT_TRUE(ask_jwt(text).has_value());
  EXPECT_EQ(tokens_->verifications(), 2U);
  EXPECT_EQ(stored(made->session_id).idp_id, "ci https://ci.example");
}

TEST_F(BearerTokensTest, AReloadKeepsTheKeysOfIssuersThatStay) {
  ASSERT_TRUE(ask_jwt(token()).has_value());
  BearerSettings fewer = settings();
  fewer.issuers.pop_back();
  tokens_->use(fewer);

  ASSERT_TRUE(ask_jwt(token({{"jti", "\"2\""}})).has_value());
  EXPECT_EQ(key_fetches(), 1U);
  EXPECT_NE(refusal(ask_jwt(lab_.active().sign(payload({{"iss", R"("https://lab.example")"}})))),
            "");
}

TEST_F(BearerTokensTest, KeysAreFoundByDiscovery) {
  config::TokenIssuer ci = issuer_named("ci", std::string(kCi));
  ci.jwks_url.reset();
  tokens_->use({.issuers = {ci}, .session_lifetime = 14h, .groups_claim = {}});
  web_.serve(kCi, [](const http::ClientRequest&) {
    return answer_json(R"({"issuer":"https://ci.example","jwks_uri":"https://keys.example/ci"})");
  });

  const auto made = ask_jwt(token());
  EXPECT_TRUE(made.has_value()) << made.error().message();
}

TEST_F(BearerTokensTest, DiscoveryOfAnotherIssuerIsNotBelieved) {
  config::TokenIssuer ci = issuer_named("ci", std::string(kCi));
  ci.jwks_url.reset();
  tokens_->use({.issuers = {ci}, .session_lifetime = 14h, .groups_claim = {}});
  web_.serve(kCi, [](const http::ClientRequest&) {
    return answer_json(R"({"issuer":"https://evil.example","jwks_uri":"https://keys.example/ci"})");
  });

  EXPECT_EQ(failure(ask_jwt(token())), ErrorKind::Unavailable);
}

}  // namespace
}  // namespace vallum::identity
