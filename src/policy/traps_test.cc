#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "policy/compiler.h"
#include "policy/legacy.h"
#include "policy/outcome.h"

// The traps of the policy language (policy specification, section 11): what somebody who writes
// policies may expect to be otherwise. Each id is POL and the number of the trap.
namespace vallum::policy {
namespace {

using codec::Node;

Parsed parse(std::string_view yaml, Keywords keywords = Keywords::Exact) {
  return parse_policy_text(yaml, TextFormat::Yaml, keywords);
}

// "ok", or the code of the first error.
std::string verdict_of(std::string_view yaml) {
  const auto compiled = compile(parse(yaml), {.sources = FactSources::all()});
  return compiled ? "ok" : std::string(to_string(compiled.error().front().code));
}

Node strings(std::initializer_list<std::string_view> texts) {
  std::vector<Node> items;
  for (const std::string_view text : texts) {
    items.push_back(Node::string(std::string(text)));
  }
  return Node::list(std::move(items));
}

// Alice, who is signed in and asks for GET /.
class Request {
 public:
  Request() {
    ClaimTable::Builder claims;
    claims.set("role", strings({"admin"}));
    claims.set("roles", strings({"admin", "dev"}));
    claims.set("a.b", strings({"nested"}));
    claims.set("level", Node::list({Node::number("3"), Node::boolean(true)}));
    claims_ = std::move(claims).build();
    groups_ = ValueList::of_node(strings({"eng", "1234"}));
    session_ = {.user_id = "1234",
                .user_email = "alice@example.com",
                .directory = nullptr,
                .claims = claims_.view(),
                .devices = {},
                .records = {}};
    facts_.request = {.method = "GET",
                      .path = "/",
                      .origin = {},
                      .access_control_request_method = {},
                      .client_ip = IpAddress::parse("203.0.113.10")};
    facts_.session = &session_;
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  void sign_out() { facts_.session = nullptr; }
  void set_email(std::string_view email) { session_.user_email = email; }
  void set_devices(std::span<const DeviceFacts> devices) { session_.devices = devices; }
  void set_directory(std::string_view email) {
    directory_ = {.email = email, .groups = groups_.values()};
    session_.directory = &directory_;
  }

  Decision decide(std::string_view yaml) const {
    auto compiled = compile(parse(yaml), {.sources = FactSources::all()});
    EXPECT_TRUE(compiled.has_value()) << yaml;
    if (!compiled) {
      return {};
    }
    program_ = std::move(compiled->program);
    return policy::decide(program_, facts_);
  }
  bool allows(std::string_view yaml) const { return decide(yaml).allow.value; }
  // One criterion, as "email: x".
  bool holds(std::string_view criterion) const {
    return allows("allow: {or: [{" + std::string(criterion) + "}]}");
  }
  Outcome outcome(std::string_view yaml) const { return outcome_of(decide(yaml), {}); }

  Facts& facts() { return facts_; }

 private:
  Facts facts_;
  ClaimTable claims_;
  ValueList groups_;
  DirectoryFacts directory_;
  SessionFacts session_;
  // A decision borrows from it.
  mutable Program program_;
};

// Covers POL-01.
TEST(PolicyTrapTest, TwoOperatorsInOneBodyAreJoinedByOr) {
  EXPECT_TRUE(Request().allows("allow: {and: [{reject: 1}], or: [{accept: 1}]}"));
}

// Covers POL-02.
TEST(PolicyTrapTest, NotIsNoneOfAndNorIsNotAllOf) {
  const Request request;
  EXPECT_FALSE(request.allows("allow: {not: [{accept: 1}, {reject: 1}]}"));
  EXPECT_TRUE(request.allows("allow: {not: [{reject: 1}, {reject: 1}]}"));
  EXPECT_TRUE(request.allows("allow: {nor: [{accept: 1}, {reject: 1}]}"));
  EXPECT_FALSE(request.allows("allow: {nor: [{accept: 1}, {accept: 1}]}"));
}

// Covers POL-03.
TEST(PolicyTrapTest, EmptyListsAreNotTrue) {
  for (const std::string_view body : {"{and: []}", "{not: []}", "{or: []}", "{nor: []}", "{}"}) {
    const Decision decision = Request().decide("allow: " + std::string(body));
    EXPECT_FALSE(decision.allow.value) << body;
    EXPECT_TRUE(decision.allow.reasons.empty()) << body;
  }
}

// Covers POL-04.
TEST(PolicyTrapTest, AnInvertedCriterionKeepsItsReason) {
  const Decision decision = Request().decide("allow: {not: [{email: bob@example.com}]}");
  EXPECT_TRUE(decision.allow.value);
  EXPECT_EQ(decision.allow.reasons, ReasonSet{Reason::EmailUnauthorized});
}

// Covers POL-05.
TEST(PolicyTrapTest, ReasonsOfTheLosingSideAreDropped) {
  const Request request;
  EXPECT_EQ(request.decide("allow: {and: [{accept: 1}, {domain: x}, {reject: 1}]}").allow.reasons,
            (ReasonSet{Reason::DomainUnauthorized, Reason::Reject}));
  EXPECT_EQ(request.decide("allow: {or: [{accept: 1}, {domain: x}]}").allow.reasons,
            ReasonSet{Reason::Accept});
  EXPECT_EQ(request.decide("allow: {or: [{reject: 1}, {domain: x}]}").allow.reasons,
            (ReasonSet{Reason::DomainUnauthorized, Reason::Reject}));
}

// Covers POL-06.
TEST(PolicyTrapTest, NotSomebodyIsTrueForNobodyAndLeadsToSignIn) {
  Request request;
  request.sign_out();
  const std::string_view policy = "allow: {not: [{email: bob@example.com}]}";
  EXPECT_TRUE(request.allows(policy));
  EXPECT_EQ(request.outcome(policy), Outcome::Login);
}

// Covers POL-07.
TEST(PolicyTrapTest, ADenyRuleAboutUsersForcesSignInOnAPublicRoute) {
  Request request;
  const std::string_view policy =
      "allow: {or: [{accept: 1}]}\ndeny: {or: [{email: bad@example.com}]}";
  EXPECT_EQ(request.outcome(policy), Outcome::Allowed);
  request.sign_out();
  EXPECT_FALSE(request.decide(policy).deny.value);
  EXPECT_EQ(request.outcome(policy), Outcome::Login);
}

// Covers POL-08.
TEST(PolicyTrapTest, ADenyRuleAboutDevicesForcesEnrolment) {
  const Request request;
  const std::string_view policy = "allow: {or: [{accept: 1}]}\ndeny: {or: [{device: {type: any}}]}";
  EXPECT_FALSE(request.decide(policy).deny.value);
  EXPECT_EQ(request.outcome(policy), Outcome::DeviceEnroll);
}

// Covers POL-09, POL-40.
TEST(PolicyTrapTest, ACertificateReasonOfDenyOutranksSignInEvenWhenDenyIsFalse) {
  Request request;
  request.sign_out();
  request.facts().certificate_verdict = CertificateVerdict::NotPresented;
  const std::string_view policy =
      "allow: {or: [{authenticated_user: 1}]}\ndeny: {not: [{invalid_client_certificate: 1}]}";
  EXPECT_FALSE(request.decide(policy).deny.value);
  EXPECT_EQ(request.outcome(policy), Outcome::CertificateRequired);
}

// Covers POL-10.
TEST(PolicyTrapTest, AcceptAndRejectDoNotLookAtTheirData) {
  const Request request;
  for (const std::string_view data : {"false", "~", "{}", "[]", "0", "no"}) {
    EXPECT_TRUE(request.holds("accept: " + std::string(data)));
    EXPECT_FALSE(request.holds("reject: " + std::string(data)));
  }
}

// Covers POL-11.
TEST(PolicyTrapTest, OnlyClaimHasASubPath) {
  const Request request;
  EXPECT_TRUE(request.holds("accept/anything/else: 1"));
  EXPECT_TRUE(request.holds("email/role: alice@example.com"));
  EXPECT_FALSE(request.holds("claim: admin"));
}

// Covers POL-12.
TEST(PolicyTrapTest, ABodyMayNameAnActionWithoutEffect) {
  EXPECT_TRUE(Request().allows("allow: {action: deny, or: [{accept: 1}]}"));
}

// Covers POL-13.
TEST(PolicyTrapTest, TwoKeysInACriterionAreAnErrorAndNotAnd) {
  EXPECT_EQ(verdict_of("allow: {or: [{accept: 1, email: x}]}"), "criterion-must-have-one-key");
}

// Covers POL-14.
TEST(PolicyTrapTest, AShorthandListIsComparedAsAWhole) {
  Request request;
  request.set_directory("");
  EXPECT_FALSE(request.holds("email: [alice@example.com, bob@example.com]"));
  EXPECT_TRUE(request.holds("email: {in: [alice@example.com, bob@example.com]}"));
  EXPECT_FALSE(request.holds("groups: [eng]"));
  EXPECT_FALSE(request.holds("claim/role: [admin]"));
}

// Covers POL-15.
TEST(PolicyTrapTest, IsOfAListMeansExactlyOneElement) {
  const Request request;
  EXPECT_TRUE(request.holds("claim/role: {is: admin}"));
  EXPECT_FALSE(request.holds("claim/roles: {is: admin}"));
  EXPECT_TRUE(request.holds("claim/roles: {has: admin}"));
}

// Covers POL-16.
TEST(PolicyTrapTest, AnUnquotedScalarIsNoString) {
  Request request;
  request.set_directory("");
  EXPECT_FALSE(request.holds("user: 1234"));
  EXPECT_TRUE(request.holds("user: '1234'"));
  EXPECT_FALSE(request.holds("groups: 1234"));
  EXPECT_TRUE(request.holds("claim/level: 3"));
  EXPECT_FALSE(request.holds("claim/level: '3'"));
  EXPECT_TRUE(request.holds("claim/level: true"));
  EXPECT_FALSE(request.holds("claim/level: 'true'"));
  // Only true and false are booleans.
  EXPECT_FALSE(request.holds("claim/level: yes"));
}

// Covers POL-17.
TEST(PolicyTrapTest, NumbersAreComparedByTheirValue) {
  const Request request;
  EXPECT_TRUE(request.holds("claim/level: 3.0"));
  EXPECT_TRUE(request.holds("claim/level: 30e-1"));
  EXPECT_FALSE(request.holds("claim/level: 3.0000000000000000001"));
}

// Covers POL-18.
TEST(PolicyTrapTest, DuplicateKeysAreTheLastInJsonAndAnErrorInYaml) {
  const std::string_view text = R"({"allow": {"or": [{"email": "a", "email": "b"}]}})";
  EXPECT_EQ(verdict_of(text), "malformed-yaml");
  const Parsed json = parse_policy_text(text, TextFormat::Json, Keywords::Exact);
  ASSERT_TRUE(json.problems.empty());
  EXPECT_EQ(json.policy.rules[0].blocks[0].criteria[0].operand.text(), "b");
  EXPECT_TRUE(Request().allows("allow: {or: [{accept: 1}]}\n---\nallow: {or: [{reject: 1}]}"));
}

// Covers POL-19.
TEST(PolicyTrapTest, AFileFoldsKeywordsAndKeepsClaimNames) {
  const Parsed file = parse("Allow: {OR: [{Claim/familyName: x}]}", Keywords::AnyCase);
  ASSERT_TRUE(file.problems.empty());
  const CriterionSyntax& criterion = file.policy.rules[0].blocks[0].criteria[0];
  EXPECT_EQ(criterion.name, "claim");
  EXPECT_EQ(criterion.subpath, "familyName");
  EXPECT_EQ(verdict_of("Allow: {or: [{accept: 1}]}"), "unsupported-action");
}

// Covers POL-20.
TEST(PolicyTrapTest, TheEmptyTextIsPartOfEveryText) {
  const Request request;
  EXPECT_TRUE(request.holds("email: {contains: ''}"));
  EXPECT_TRUE(request.holds("http_path: {starts_with: ''}"));
  EXPECT_TRUE(request.holds("user: {ends_with: ''}"));
}

// Covers POL-21.
TEST(PolicyTrapTest, TheDomainIsThePieceBetweenTheFirstTwoAts) {
  Request request;
  request.set_email("\"a@b\"@example.com");
  EXPECT_TRUE(request.holds("domain: 'b\"'"));
  EXPECT_FALSE(request.holds("domain: example.com"));
}

// Covers POL-22.
TEST(PolicyTrapTest, EverythingIsCaseSensitive) {
  Request request;
  EXPECT_FALSE(request.holds("email: Alice@example.com"));
  EXPECT_FALSE(request.holds("domain: Example.com"));
  EXPECT_FALSE(request.holds("http_method: get"));
  EXPECT_FALSE(request.holds("claim/Role: admin"));
  request.facts().mcp = {.method = "Tools/Call", .tool = "x"};
  EXPECT_FALSE(request.holds("mcp_tool: x"));
  request.facts().ssh.username = "Alice";
  EXPECT_FALSE(request.holds("ssh_username_matches_email: 1"));
}

// Covers POL-24.
TEST(PolicyTrapTest, ANestedClaimIsReachedByADot) {
  const Request request;
  EXPECT_FALSE(request.holds("claim/a/b: nested"));
  EXPECT_TRUE(request.holds("claim/a.b: nested"));
}

// Covers POL-25.
TEST(PolicyTrapTest, WithoutADirectoryRecordNotEvenExcludeHolds) {
  Request request;
  EXPECT_FALSE(request.holds("groups: {exclude: x}"));
  EXPECT_FALSE(request.holds("groups: {}"));
  request.set_directory("");
  EXPECT_TRUE(request.holds("groups: {exclude: x}"));
}

// Covers POL-26.
TEST(PolicyTrapTest, ADirectorysAddressCountsUnlessItIsEmpty) {
  Request request;
  request.set_directory("a.smith@example.com");
  EXPECT_TRUE(request.holds("email: a.smith@example.com"));
  EXPECT_FALSE(request.holds("email: alice@example.com"));
  request.set_directory("");
  EXPECT_TRUE(request.holds("email: alice@example.com"));
}

// Covers POL-29.
TEST(PolicyTrapTest, TheFirstDeviceOfATypeCounts) {
  const std::vector<DeviceFacts> devices{
      {.type_id = "any", .credential_id = "old", .is_recorded = true},
      {.type_id = "any", .credential_id = "new", .is_recorded = true},
      {.type_id = "enclave_only", .credential_id = "chip", .is_recorded = true}};
  Request request;
  request.set_devices(devices);
  EXPECT_TRUE(request.holds("device: {is: old}"));
  EXPECT_FALSE(request.holds("device: {is: new}"));
  EXPECT_FALSE(request.holds("device: {is: chip}"));
  EXPECT_TRUE(request.holds("device: {is: chip, type: enclave_only}"));
}

// Covers POL-30.
TEST(PolicyTrapTest, ApprovedIsTruthNotABoolean) {
  const std::vector<DeviceFacts> devices{{.type_id = "any",
                                          .credential_id = "d",
                                          .is_recorded = true,
                                          .enrollment = Enrollment::Approved}};
  Request request;
  request.set_devices(devices);
  for (const std::string_view value : {"'no'", "[]", "{}", "1", "true"}) {
    EXPECT_TRUE(request.holds("device: {approved: " + std::string(value) + "}")) << value;
  }
  for (const std::string_view value : {"false", "~", "0", "0.0", "''"}) {
    EXPECT_FALSE(request.holds("device: {approved: " + std::string(value) + "}")) << value;
  }
}

// Covers POL-31.
TEST(PolicyTrapTest, ErrorsAreFoundInRulesThatCannotMatter) {
  EXPECT_EQ(verdict_of("allow: {or: [{accept: 1}, {bogus: 1}]}"), "unknown-criterion");
  EXPECT_EQ(verdict_of("allow: {or: [{accept: 1}]}\ndeny: {and: [{reject: 1}, {email: {re: x}}]}"),
            "unknown-string-operator");
}

// Covers POL-32.
TEST(PolicyTrapTest, WithoutAuthoritiesEveryCertificateIsValid) {
  const Decision decision = Request().decide("deny: {or: [{invalid_client_certificate: 1}]}");
  EXPECT_FALSE(decision.deny.value);
  EXPECT_EQ(decision.deny.reasons, ReasonSet{Reason::ValidClientCertificate});
}

// Covers POL-34.
TEST(PolicyTrapTest, ACertificateMatcherDoesNotAskForTrust) {
  LeafCertificate leaf;
  leaf.san_dns = {"host.example.com"};
  Request request;
  request.facts().leaf = &leaf;
  request.facts().certificate_verdict = CertificateVerdict::Invalid;
  EXPECT_TRUE(request.holds("client_certificate: {san_dns: host.example.com}"));
  const auto with_default_rule =
      compile(parse("allow: {or: [{client_certificate: {san_dns: host.example.com}}]}"),
              {.sources = FactSources::all(), .deny_invalid_client_certificate = true});
  ASSERT_TRUE(with_default_rule.has_value());
  EXPECT_EQ(outcome_of(decide(with_default_rule->program, request.facts()), {}),
            Outcome::CertificateRequired);
}

// Covers POL-39.
TEST(PolicyTrapTest, FingerprintsHaveTwoSpellings) {
  const std::string lower(64, 'a');
  std::string pairs = "AA";
  for (int i = 1; i < 32; ++i) {
    pairs += ":AA";
  }
  const auto with = [](const std::string& fingerprint) {
    return verdict_of("allow: {or: [{client_certificate: {fingerprint: '" + fingerprint + "'}}]}");
  };
  EXPECT_EQ(with(lower), "ok");
  EXPECT_EQ(with(pairs), "ok");
  EXPECT_EQ(with(std::string(64, 'A')), "fingerprint-format");
  EXPECT_EQ(with(" " + lower), "fingerprint-format");
  EXPECT_EQ(with("sha256:" + lower), "fingerprint-format");
  EXPECT_EQ(with(lower.substr(1) + "A"), "fingerprint-format");
}

// Covers POL-54.
TEST(PolicyTrapTest, AToolInAllowBlocksWhatIsNoCall) {
  Request request;
  request.facts().mcp = {.method = "initialize", .tool = std::nullopt};
  EXPECT_FALSE(request.allows("allow: {or: [{mcp_tool: query}]}"));
  EXPECT_EQ(request.outcome("allow: {or: [{accept: 1}]}\ndeny: {or: [{mcp_tool: drop}]}"),
            Outcome::Allowed);
  // Nothing but the empty matcher holds for a call whose tool is not known.
  request.facts().mcp = {.method = "tools/call", .tool = std::nullopt};
  EXPECT_FALSE(request.holds("mcp_tool: {not: drop}"));
  EXPECT_TRUE(request.holds("mcp_tool: {}"));
}

// Covers POL-74.
TEST(PolicyTrapTest, NoRulesDenyWithoutSignIn) {
  Request request;
  request.sign_out();
  for (const std::string_view policy : {"{}", "[]", "allow: {}"}) {
    const Decision decision = request.decide(policy);
    EXPECT_TRUE(decision.allow.reasons.empty() && decision.deny.reasons.empty()) << policy;
    EXPECT_EQ(request.outcome(policy), Outcome::Forbidden) << policy;
  }
}

// Covers POL-75.
TEST(PolicyTrapTest, CriteriaThatTheReferenceOnlyDocumentsAreUnderstood) {
  EXPECT_EQ(verdict_of("allow: {or: [{pomerium_routes: true}]}"), "ok");
  EXPECT_EQ(verdict_of("allow: {or: [{http_header: x}]}"), "unknown-criterion");
}

// Covers HDR-14.
TEST(PolicyTrapTest, TheMethodIsTheRequestsOwn) {
  const Request request;
  EXPECT_TRUE(request.holds("http_method: GET"));
  EXPECT_FALSE(request.holds("http_method: DELETE"));
}

// Covers HDR-15.
TEST(PolicyTrapTest, ThePathIsComparedAloneAndAsItIs) {
  Request request;
  request.facts().request.path = "/admin";
  EXPECT_FALSE(request.holds("http_path: {not: /admin}"));
  EXPECT_FALSE(request.holds("http_path: {starts_with: /public}"));
  EXPECT_FALSE(request.holds("http_path: /ADMIN"));
  EXPECT_FALSE(request.holds("http_path: ~"));
}

// Covers HDR-28.
TEST(PolicyTrapTest, OnlyATruePreflightIsOne) {
  Request request;
  request.facts().request.origin = "https://other.example";
  request.facts().request.access_control_request_method = "GET";
  EXPECT_FALSE(request.holds("cors_preflight: 1"));
  request.facts().request.method = "OPTIONS";
  EXPECT_TRUE(request.holds("cors_preflight: 1"));
  request.facts().request.method = "options";
  EXPECT_FALSE(request.holds("cors_preflight: 1"));
  request.facts().request.method = "OPTIONS";
  request.facts().request.origin = "";
  EXPECT_FALSE(request.holds("cors_preflight: 1"));
  request.facts().request.origin = "https://other.example";
  request.facts().request.access_control_request_method = "";
  EXPECT_FALSE(request.holds("cors_preflight: 1"));
}

}  // namespace
}  // namespace vallum::policy
