#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "policy/compiler.h"
#include "policy/outcome.h"

// Policies nobody means and facts nobody has: an error with its place, or false with its reason;
// never an end of the process and never an allow.
namespace vallum::policy {
namespace {

using codec::Node;

// The codes of a text's errors; "compiled" without errors.
std::string result_of(std::string_view text, TextFormat format) {
  const auto compiled =
      compile(parse_policy_text(text, format, Keywords::AnyCase), {.sources = FactSources::all()});
  if (compiled) {
    return "compiled";
  }
  std::string codes;
  for (const Problem& problem : compiled.error()) {
    if (problem.severity == Severity::Error) {
      EXPECT_FALSE(problem.text.empty());
      EXPECT_GT(problem.at.line, 0U) << problem.text;
      codes.append(codes.empty() ? "" : " ").append(to_string(problem.code));
    }
  }
  return codes;
}

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    text.append(piece);
  }
  return text;
}

constexpr std::size_t kTenMegabytes = 10'000'000;

TEST(BadInputTest, TenMegabytesOfCriteriaAreTooMany) {
  const std::string_view criterion = R"({"email":{"is":"somebody@example.com"}},)";
  const std::string criteria = repeated(criterion, kTenMegabytes / criterion.size());
  const std::string text = R"({"allow":{"or":[)" + criteria + R"({"accept":1}]}})";

  EXPECT_EQ(result_of(text, TextFormat::Json), "too-large");
}

TEST(BadInputTest, TenMegabytesInOneValueAreOneValue) {
  const std::string text =
      R"({"allow":{"or":[{"email":")" + std::string(kTenMegabytes, 'x') + R"("}]}})";

  const auto compiled = compile(parse_policy_text(text, TextFormat::Json, Keywords::Exact), {});

  ASSERT_TRUE(compiled.has_value());
  SessionFacts session;
  session.user_id = "u";
  session.user_email = "x";
  Facts facts;
  facts.session = &session;
  EXPECT_FALSE(decide(compiled->program, facts).allow.value);
}

TEST(BadInputTest, TenMegabytesOfNoiseAreOneError) {
  EXPECT_EQ(result_of(std::string(kTenMegabytes, '{'), TextFormat::Json), "malformed-json");
  EXPECT_EQ(result_of(std::string(kTenMegabytes, '['), TextFormat::Yaml), "malformed-yaml");
  EXPECT_EQ(result_of(std::string(kTenMegabytes, '\0'), TextFormat::Yaml), "malformed-yaml");
  EXPECT_EQ(result_of(repeated("- ", kTenMegabytes / 2), TextFormat::Yaml), "malformed-yaml");
}

TEST(BadInputTest, NestingIsRefusedWhereverItStands) {
  constexpr std::size_t kDepth = 10'000;
  const std::string lists = std::string(kDepth, '[') + std::string(kDepth, ']');
  const std::string maps = repeated(R"({"k":)", kDepth) + "1" + std::string(kDepth, '}');
  for (const std::string& deep : {lists, maps}) {
    for (const std::string& text : {deep,
                                    R"({"allow":)" + deep + "}",
                                    R"({"allow":{"or":[{"email":)" + deep + "}]}}",
                                    R"({"allow":{"or":[{"accept":)" + deep + "}]}}"}) {
      EXPECT_EQ(result_of(text, TextFormat::Json), "malformed-json");
      EXPECT_EQ(result_of(text, TextFormat::Yaml), "malformed-yaml");
    }
  }
}

// A record brings a tree that no reader of ours has limited.
TEST(BadInputTest, ADeepTreeFromElsewhereIsComparedWithoutRecursion) {
  Node deep = Node::string("x");
  for (int i = 0; i < 10'000; ++i) {
    deep = Node::list({std::move(deep)});
  }
  Node criterion = Node::map({{.key = "email", .position = {}, .value = std::move(deep)}});
  Node body =
      Node::map({{.key = "or", .position = {}, .value = Node::list({std::move(criterion)})}});
  const Node policy = Node::map({{.key = "allow", .position = {}, .value = std::move(body)}});

  const auto compiled = compile(parse_policy(policy, Keywords::Exact), {});

  ASSERT_TRUE(compiled.has_value());
  EXPECT_FALSE(decide(compiled->program, Facts()).allow.value);
}

TEST(BadInputTest, BytesThatAreNotUtf8AreRefusedAtEveryPlace) {
  const std::string text = R"({"allow":{"or":[{"claim/name":{"has":"x"}}]}})";
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const std::string_view bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\x80"}) {
      const std::string bad = text.substr(0, i) + std::string(bytes) + text.substr(i);
      EXPECT_EQ(result_of(bad, TextFormat::Json), "malformed-json") << i;
      EXPECT_EQ(result_of(bad, TextFormat::Yaml), "malformed-yaml") << i;
    }
  }
}

TEST(BadInputTest, ATruncatedPolicyNeverCompiles) {
  const std::string text = R"({"allow":{"or":[{"claim/name":{"has":"x"}},{"accept":true}]}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(result_of(text.substr(0, size), TextFormat::Json), "compiled") << size;
    EXPECT_NE(result_of(text.substr(0, size), TextFormat::Yaml), "compiled") << size;
  }
}

TEST(BadInputTest, AliasesThatMultiplyAreRefused) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'k'; ++name) {
    const std::string before = "*" + std::string(1, static_cast<char>(name - 1)) + ", ";
    bomb.append(1, name).append(": &").append(1, name).append(" [");
    bomb.append(repeated(before, 9)).append("x]\n");
  }
  EXPECT_EQ(result_of(bomb, TextFormat::Yaml), "malformed-yaml");
}

// One criterion that asks for something, and the reason it gives when that is not there.
struct Missing {
  std::string_view criterion;
  Reason anonymous;
  Reason signed_in;
};

TEST(BadInputTest, MissingFactsAreFalseWithTheirReason) {
  const std::vector<Missing> all{
      {"authenticated_user: 1", Reason::UserUnauthenticated, Reason::UserUnauthorized},
      {"user: {not: x}", Reason::UserUnauthenticated, Reason::UserUnauthorized},
      {"email: x", Reason::UserUnauthenticated, Reason::EmailUnauthorized},
      {"domain: {not: x}", Reason::UserUnauthenticated, Reason::DomainUnauthorized},
      {"claim/x: x", Reason::UserUnauthenticated, Reason::ClaimUnauthorized},
      {"groups: {exclude: x}", Reason::UserUnauthenticated, Reason::GroupsUnauthorized},
      {"http_method: GET", Reason::HttpMethodUnauthorized, Reason::HttpMethodUnauthorized},
      {"http_path: /", Reason::HttpPathUnauthorized, Reason::HttpPathUnauthorized},
      {"cors_preflight: 1", Reason::NonCorsRequest, Reason::NonCorsRequest},
      {"source_ip: ['0.0.0.0/0', '::/0']",
       Reason::SourceIpUnauthorized,
       Reason::SourceIpUnauthorized},
      {"client_certificate: {}",
       Reason::ClientCertificateUnauthorized,
       Reason::ClientCertificateUnauthorized},
      {"device: {}", Reason::UserUnauthenticated, Reason::DeviceUnauthenticated},
      {"mcp_tool: {}", Reason::McpNotAToolCall, Reason::McpNotAToolCall},
      {"ssh_username: x", Reason::SshUsernameUnauthorized, Reason::SshUsernameUnauthorized},
      {"ssh_username_matches_email: 1",
       Reason::UserUnauthenticated,
       Reason::SshUsernameUnauthorized},
      {"ssh_username_matches_claim: x",
       Reason::UserUnauthenticated,
       Reason::SshUsernameUnauthorized},
      {"ssh_publickey: []", Reason::SshPublickeyUnauthorized, Reason::SshPublickeyUnauthorized},
      {"ssh_ca: []", Reason::SshPublickeyUnauthorized, Reason::SshPublickeyUnauthorized},
      {"date: {after: 1970-01-01}", Reason::DateUnauthorized, Reason::DateUnauthorized},
      {"day_of_week: '*'", Reason::DayOfWeekUnauthorized, Reason::DayOfWeekUnauthorized},
      {"time_of_day: {timezone: UTC, before: '23:59'}",
       Reason::TimeOfDayUnauthorized,
       Reason::TimeOfDayUnauthorized},
      {"record: {type: x, exists: false}", Reason::UserUnauthenticated, Reason::RecordUnauthorized},
  };
  const SessionFacts nobody_in_particular;
  for (const Missing& missing : all) {
    const auto compiled =
        compile(parse_policy_text("allow: {or: [{" + std::string(missing.criterion) + "}]}",
                                  TextFormat::Yaml,
                                  Keywords::Exact),
                {.sources = FactSources::all()});
    ASSERT_TRUE(compiled.has_value()) << missing.criterion;
    Facts facts;

    const Decision anonymous = decide(compiled->program, facts);
    facts.session = &nobody_in_particular;
    const Decision signed_in = decide(compiled->program, facts);

    EXPECT_FALSE(anonymous.allow.value) << missing.criterion;
    EXPECT_EQ(anonymous.allow.reasons, ReasonSet{missing.anonymous}) << missing.criterion;
    EXPECT_FALSE(signed_in.allow.value) << missing.criterion;
    EXPECT_EQ(signed_in.allow.reasons, ReasonSet{missing.signed_in}) << missing.criterion;
    EXPECT_NE(outcome_of(anonymous, {}), Outcome::Allowed) << missing.criterion;
    EXPECT_NE(outcome_of(signed_in, {}), Outcome::Allowed) << missing.criterion;
  }
}

}  // namespace
}  // namespace vallum::policy
