#include <algorithm>
#include <optional>
#include <string>

#include "ext_authz/decide.h"
#include "ext_authz/forward_auth.h"
#include "integration/integration_fixture.h"
#include "session/handle.h"

namespace vallum::testing {
namespace {

using ext_authz::Answer;
using ext_authz::Denial;
using ext_authz::Grant;
using ext_authz::Question;
using namespace std::chrono_literals;

constexpr const char* kOptions =
    "forward_auth_address: 127.0.0.1:9000\nforward_auth_insecure: true\n"
    "ext_authz_peers: [127.0.0.1]\n";

net::SocketAddress forward_auth_address() {
  return {.ip = IpAddress::loopback_v4(), .port = 9000};
}

// Other proxies ask here; the browser of the fixture signs in at the deployment itself, as behind a
// proxy that passes /.pomerium/ on.
class ExtAuthzTest : public IntegrationTest {
 protected:
  ExtAuthzTest() : ExtAuthzTest(kOptions) {}
  explicit ExtAuthzTest(const std::string& options, const std::string& routes = {})
      : IntegrationTest({.more_options = options, .more_routes = routes}),
        log_(lines_, world_.clock(), filter_, "test"),
        forward_auth_(deployment_.core().serving(), log_) {
    EXPECT_TRUE(deployment_.core()
                    .listen(forward_auth_address(),
                            {},
                            {.answerer = &forward_auth_, .tls = nullptr, .needs_tls = false})
                    .has_value());
  }

  Answer decide(const Question& question, Duration timeout = 10s) {
    std::optional<Answer> answer;
    async::Scope scope(world_.core());
    scope.spawn(
        run(&deployment_.core().serving(), &question, world_.core().deadline_in(timeout), &answer));
    CHECK(world_.run_until([&] { return answer.has_value(); }));
    return answer ? *std::move(answer) : Answer();
  }
  static Task<void> run(proxy::ServingCore* core,
                        const Question* question,
                        Deadline deadline,
                        std::optional<Answer>* into) {
    Answer answer = co_await ext_authz::decide(core, question, deadline);
    into->emplace(std::move(answer));
  }

  static Question question(std::string_view host, std::string_view target) {
    Question made;
    made.method = "GET";
    made.host = host;
    made.target = target;
    made.fields = {{.name = "accept", .value = "text/html"}};
    return made;
  }
  static std::uint16_t status_of(const Answer& answer) {
    const auto* denial = std::get_if<Denial>(&answer.verdict);
    return denial == nullptr ? std::uint16_t{0} : denial->response.status;
  }
  static bool allows(const Answer& answer) { return std::holds_alternative<Grant>(answer.verdict); }

  // As a proxy of that family would ask.
  Page ask(const std::string& fields) {
    ScriptedClient client = ScriptedClient::connect(world_, forward_auth_address());
    client.send("GET /auth HTTP/1.1\r\nHost: vallum\r\nAccept: text/html\r\n" + fields + "\r\n");
    Page page;
    page.head = client.expect_head(starts_with("HTTP/1.1 "));
    page.status = static_cast<int>(parse_u64(page.head.start_line.substr(9, 3)).value_or(0));
    page.body = client.read_body(page.head);
    return page;
  }
  static std::string forwarded(const std::string& host, const std::string& uri) {
    return "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: " + host +
           "\r\nX-Forwarded-Uri: " + uri + "\r\n";
  }
  static std::string original(const std::string& url) {
    return "X-Original-Method: GET\r\nX-Original-URL: " + url + "\r\n";
  }
  // The session of somebody signed in at https://app.example.
  std::string cookie_of(const std::string& subject) {
    browser_.visit("https://app.example/", subject);
    return "_pomerium=" + browser_.cookie("app.example", "_pomerium");
  }

  CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_;
  ext_authz::ForwardAuth forward_auth_;
};

TEST_F(ExtAuthzTest, AGrantCarriesIdentityAndTakesOurCredentialsAway) {
  const std::string cookies = "theme=dark; " + cookie_of("alice");
  Question asked = question("app.example", "/reports?q=1");
  asked.fields.push_back({.name = "cookie", .value = cookies});
  asked.fields.push_back({.name = "x-pomerium-claim-email", .value = "forged@example.com"});
  asked.fields.push_back({.name = "x-pomerium-anything", .value = "forged"});

  const Answer answer = decide(asked);

  ASSERT_TRUE(allows(answer));
  const Grant& grant = std::get<Grant>(answer.verdict);
  EXPECT_TRUE(grant.changes.set.value("X-Pomerium-Jwt-Assertion").starts_with("ey"));
  EXPECT_EQ(grant.changes.set.value("x-pomerium-claim-email"), "alice@example.com");
  EXPECT_EQ(grant.changes.set.value("cookie"), "theme=dark");
  EXPECT_EQ(grant.cookie, "theme=dark");
  EXPECT_EQ(grant.changes.remove, std::vector<std::string>{"x-pomerium-anything"});
  EXPECT_EQ(grant.changes.set.find("accept"), nullptr);
}

// The same question by cookie, by each header, and what the application must not see of it.
TEST_F(ExtAuthzTest, CredentialsInHeadersCountAndGo) {
  const std::string handle = cookie_of("alice").substr(std::string("_pomerium=").size());
  for (const auto& [name, value] :
       {std::pair<std::string, std::string>{"authorization", "Pomerium " + handle},
        {"authorization", "Bearer Pomerium-" + handle},
        {"x-pomerium-authorization", handle}}) {
    Question asked = question("app.example", "/");
    asked.fields.push_back({.name = name, .value = value});

    const Answer answer = decide(asked);

    ASSERT_TRUE(allows(answer)) << name;
    EXPECT_EQ(std::get<Grant>(answer.verdict).changes.remove, std::vector<std::string>{name});
  }
}

TEST_F(ExtAuthzTest, ACredentialInTheQueryIsRefusedBecauseNobodyWouldTakeItAway) {
  const std::string handle = cookie_of("alice").substr(std::string("_pomerium=").size());
  const std::string target = "/?pomerium_session=" + handle;

  EXPECT_EQ(status_of(decide(question("app.example", target))), 400);
  EXPECT_EQ(status_of(decide(question("public.example", "/?pomerium%5fsession=x"))), 400);
}

TEST_F(ExtAuthzTest, OutcomesAreThoseOfTheProxy) {
  EXPECT_TRUE(allows(decide(question("public.example", "/"))));
  const Answer stranger = decide(question("app.example", "/a?b=1"));
  ASSERT_EQ(status_of(stranger), 302);
  EXPECT_TRUE(std::get<Denial>(stranger.verdict)
                  .response.headers.value("Location")
                  .starts_with("https://auth.example/.pomerium/sign_in?"));
  EXPECT_EQ(std::get<Denial>(stranger.verdict).response.headers.value("X-Frame-Options"),
            "SAMEORIGIN");
  EXPECT_EQ(status_of(decide(question("nobody.example", "/"))), 404);

  browser_.visit("https://app.example/", "bob");
  browser_.visit("https://admin.example/", "bob");
  const std::string admin = "_pomerium=" + browser_.cookie("admin.example", "_pomerium");
  Question denied = question("admin.example", "/");
  denied.fields.push_back({.name = "cookie", .value = admin});
  EXPECT_EQ(status_of(decide(denied)), 403);
  Question program = question("app.example", "/");
  program.fields = {{.name = "accept", .value = "application/json"}};
  EXPECT_EQ(status_of(decide(program)), 401);
}

TEST_F(ExtAuthzTest, EveryDecisionIsOnRecordBeforeItsAnswer) {
  Question asked = question("public.example", "/reports");
  asked.client_ip = IpAddress::parse("192.0.2.7");
  decide(asked);

  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, "authorize check"));
  EXPECT_TRUE(contains(records, "public.example"));
  EXPECT_TRUE(contains(records, "192.0.2.7"));
}

// What the asking proxy would pass on as it is, while we decided about something else.
TEST_F(ExtAuthzTest, APathThatIsNotInItsOneFormIsRefused) {
  for (const char* target : {"//",
                             "/a//b",
                             "/public/../admin",
                             "/a/./b",
                             "/%2e%2e/admin",
                             "/a%2fb",
                             "/a%5cb",
                             "/a\\b",
                             "/%61dmin",
                             "/a/..%2fadmin",
                             "/..;x/admin",
                             "/%00",
                             "/%zz",
                             "/a#b"}) {
    EXPECT_EQ(status_of(decide(question("public.example", target))), 400) << target;
  }
  EXPECT_TRUE(allows(decide(question("public.example", "/a/b%20c?x=//..%2f"))));
}

TEST_F(ExtAuthzTest, AHostHasOneFormAndNamesOneRoute) {
  EXPECT_TRUE(allows(decide(question("PUBLIC.example", "/"))));
  EXPECT_TRUE(allows(decide(question("public.example:443", "/"))));
  EXPECT_TRUE(allows(decide(question("public.example.", "/"))));
  for (const char* host : {"public.example/x",
                           "public.example@app.example",
                           "app.example,public.example",
                           "public.example:0",
                           "public.example:99999",
                           "pub lic.example",
                           "",
                           "public.example\r\nX-A: b"}) {
    EXPECT_EQ(status_of(decide(question(host, "/"))), 400) << host;
  }
}

TEST_F(ExtAuthzTest, ARequestOverHttpIsSentToHttps) {
  Question asked = question("public.example", "/a?b=1");
  asked.scheme = http::Scheme::Http;

  const Answer answer = decide(asked);

  EXPECT_EQ(status_of(answer), 301);
  EXPECT_EQ(std::get<Denial>(answer.verdict).response.headers.value("Location"),
            "https://public.example/a?b=1");
}

TEST_F(ExtAuthzTest, HeadersBeyondTheLimitAreRefused) {
  const std::string huge(std::size_t{10} << 20, 'x');
  Question asked = question("public.example", "/");
  asked.fields.push_back({.name = "x", .value = huge});

  EXPECT_EQ(status_of(decide(asked)), 431);
}

// A session this core has not seen has to be read first.
TEST_F(ExtAuthzTest, AStoreThatCannotBeReadIsAQuickRefusalAndNeverAGrant) {
  const std::string cookie = cookie_of("alice");
  session::HandleCodec codec(deployment_.shared_key());
  Result<session::Handle> handle = codec.verify(cookie.substr(cookie.find('=') + 1));
  ASSERT_TRUE(handle.has_value());
  handle->session_id = "unseen";
  const std::string unseen = "_pomerium=" + codec.sign(*handle);
  Question asked = question("app.example", "/");
  asked.fields.push_back({.name = "cookie", .value = unseen});
  deployment_.store_is_down = true;

  const Instant began = world_.clock().now();
  const Answer answer = decide(asked);

  EXPECT_EQ(status_of(answer), 503);
  EXPECT_LE(world_.clock().now() - began, 10s);
}

TEST_F(ExtAuthzTest, WithoutRoomForTheRecordNothingIsGranted) {
  deployment_.output().blocked = true;
  Answer answer = decide(question("public.example", "/"));
  for (int i = 0; i < 20'000 && allows(answer); ++i) {
    answer = decide(question("public.example", "/"));
  }

  EXPECT_EQ(status_of(answer), 503);
}

TEST_F(ExtAuthzTest, AnOwnEndpointIsAnsweredAndNeverGranted) {
  const Answer page = decide(question("app.example", "/.pomerium/"));
  EXPECT_FALSE(allows(page));
  Question post = question("app.example", "/.pomerium/sign_out");
  post.method = "POST";
  EXPECT_EQ(status_of(decide(post)), 405);
}

TEST_F(ExtAuthzTest, ForwardAuthGrantsWith200AndTheHeadersToCopy) {
  const std::string fields =
      "Cookie: theme=dark; " + cookie_of("alice") + "\r\nX-Pomerium-Claim-Email: forged\r\n";
  for (const std::string& family :
       {forwarded("app.example", "/a?b=1"), original("https://app.example/a?b=1")}) {
    const Page page = ask(family + fields);
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "");
    EXPECT_EQ(page.head.field("cookie"), "theme=dark");
    EXPECT_EQ(page.head.field("x-pomerium-claim-email"), "alice@example.com");
    EXPECT_TRUE(page.head.field("X-Pomerium-Jwt-Assertion")->starts_with("ey"));
  }
}

TEST_F(ExtAuthzTest, ForwardAuthTellsEachFamilyWhatItCanUse) {
  const Page redirect = ask(forwarded("app.example", "/"));
  EXPECT_EQ(redirect.status, 302);
  EXPECT_TRUE(redirect.location().starts_with("https://auth.example/.pomerium/sign_in?"));
  const Page unauthorized = ask(original("https://app.example/"));
  EXPECT_EQ(unauthorized.status, 401);
  EXPECT_TRUE(unauthorized.location().starts_with("https://auth.example/.pomerium/sign_in?"));
  EXPECT_EQ(ask(forwarded("nobody.example", "/")).status, 404);
  EXPECT_EQ(ask(original("https://nobody.example/")).status, 403);
}

// To the proxy that asks, 2xx means that the request may go on to the application.
TEST_F(ExtAuthzTest, ForwardAuthNeverAnswers2xxWithoutAGrant) {
  for (const char* path : {"/.pomerium/",
                           "/.pomerium/user",
                           "/.well-known/pomerium",
                           "/ping",
                           "/healthz",
                           "/.well-known/pomerium/jwks.json"}) {
    EXPECT_GE(ask(forwarded("app.example", path)).status, 300) << path;
    EXPECT_GE(ask(original(std::string("https://app.example") + path)).status, 300) << path;
  }
}

TEST_F(ExtAuthzTest, ForwardAuthRefusesWhatAClientMayHaveSlippedIn) {
  const std::string admin = forwarded("app.example", "/");
  EXPECT_EQ(ask(admin + "X-Forwarded-Uri: /x\r\n").status, 400);
  EXPECT_EQ(ask(admin + "X-Forwarded-Host: public.example\r\n").status, 400);
  EXPECT_EQ(ask(admin + original("https://public.example/")).status, 400);
  EXPECT_EQ(ask("").status, 400);
  EXPECT_EQ(ask("X-Forwarded-Method: GET\r\nX-Forwarded-Host: public.example\r\n").status, 400);
}

TEST_F(ExtAuthzTest, AConnectionIsKeptForTheNextQuestion) {
  ScriptedClient client = ScriptedClient::connect(world_, forward_auth_address());
  for (int i = 0; i < 3; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: v\r\n" + forwarded("public.example", "/") + "\r\n");
    client.read_body(client.expect_head("HTTP/1.1 200 OK"));
  }
}

class ExtAuthzStrangerTest : public ExtAuthzTest {
 protected:
  ExtAuthzStrangerTest()
      : ExtAuthzTest(
            "forward_auth_address: 127.0.0.1:9000\nforward_auth_insecure: true\n"
            "ext_authz_peers: [10.0.0.5, '2001:db8::/32']\n") {}
};

TEST_F(ExtAuthzStrangerTest, AnAddressThatMayNotAskGets403AndTheOperatorALineAMinute) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(forwarded("public.example", "/")).status, 403);
  }

  const std::string text = lines_.text();
  EXPECT_TRUE(contains(text, "ext_authz_peers does not name"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

class ExtAuthzRoutesTest : public ExtAuthzTest {
 protected:
  ExtAuthzRoutesTest()
      : ExtAuthzTest(kOptions, R"(  - from: https://office.example
    to: http://10.0.0.1:8080
    set_request_headers: {X-Service: secret}
    remove_request_headers: [X-Debug]
    policy:
      - allow:
          or:
            - source_ip: 192.0.2.0/24
)") {}
};

TEST_F(ExtAuthzRoutesTest, TheClientsAddressIsTheOneTheProxyNames) {
  Question asked = question("office.example", "/");
  EXPECT_FALSE(allows(decide(asked)));
  asked.client_ip = IpAddress::parse("192.0.2.7");
  EXPECT_TRUE(allows(decide(asked)));

  EXPECT_EQ(
      ask(forwarded("office.example", "/") + "X-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n").status,
      403);
  EXPECT_EQ(
      ask(forwarded("office.example", "/") + "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n").status,
      200);
}

TEST_F(ExtAuthzRoutesTest, HeadersOfTheRouteAreSetAndRemoved) {
  Question asked = question("office.example", "/");
  asked.client_ip = IpAddress::parse("192.0.2.7");
  asked.fields.push_back({.name = "x-service", .value = "guess"});
  asked.fields.push_back({.name = "x-debug", .value = "1"});

  const Answer answer = decide(asked);

  ASSERT_TRUE(allows(answer));
  EXPECT_EQ(std::get<Grant>(answer.verdict).changes.set.value("X-Service"), "secret");
  EXPECT_EQ(std::get<Grant>(answer.verdict).changes.remove, std::vector<std::string>{"x-debug"});
}

class AuthorizeAloneTest : public ExtAuthzTest {
 protected:
  AuthorizeAloneTest() : ExtAuthzTest(std::string("services: authorize\n") + kOptions) {}
};

TEST_F(AuthorizeAloneTest, ForwardsNothingButDecidesAndSignsIn) {
  EXPECT_EQ(browser_.get("https://public.example/").status, 404);
  EXPECT_EQ(application().requests_seen(), 0U);
  EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 404);

  const std::string cookie = browser_.cookie_header("app.example");
  EXPECT_EQ(ask(forwarded("app.example", "/") + cookie).status, 200);
}

}  // namespace
}  // namespace vallum::testing
