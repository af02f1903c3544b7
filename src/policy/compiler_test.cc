#include "policy/compiler.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/outcome.h"
#include "policy/ssh_key.h"

namespace vallum::policy {
namespace {

Parsed parse(std::string_view yaml, Keywords keywords = Keywords::Exact) {
  return parse_policy_text(yaml, TextFormat::Yaml, keywords);
}

Problems problems_of(std::string_view yaml, const CompileOptions& options = {}) {
  auto compiled = compile(parse(yaml, options.keywords), options);
  return compiled ? std::move(compiled->warnings) : std::move(compiled).error();
}

// "LINE:COLUMN code" of each problem.
std::vector<std::string> places(const Problems& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    lines.push_back(std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
                    " " + std::string(to_string(problem.code)));
  }
  return lines;
}

std::string first_text(std::string_view yaml) {
  const Problems problems = problems_of(yaml, {.sources = FactSources::all()});
  return problems.empty() ? std::string() : problems[0].text;
}

Program program_of(std::string_view yaml, CompileOptions options = {}) {
  options.sources = FactSources::all();
  auto compiled = compile(parse(yaml, options.keywords), options);
  EXPECT_TRUE(compiled.has_value()) << (compiled ? "" : compiled.error()[0].text);
  return compiled ? std::move(compiled->program) : Program();
}

TEST(CompilerTest, ProblemsOfAllStagesComeTogetherInTheOrderOfTheText) {
  EXPECT_EQ(places(problems_of("allow:\n"
                               "  or:\n"
                               "  - emial: a\n"
                               "  - email: {is: a, matches: b}\n"
                               "  - oops\n"
                               "  - source_ip: [10.0.0.0/33, 10.0.0.1]\n"
                               "  - domain: [a, b]\n"
                               "deny:\n"
                               "  xor: []\n")),
            (std::vector<std::string>{"3:5 unknown-criterion",
                                      "4:20 unknown-string-operator",
                                      "5:5 criterion-must-be-object",
                                      "6:17 source-ip-format",
                                      "7:13 domain-is-needs-string",
                                      "7:13 shorthand-array",
                                      "9:3 unsupported-conditional"}));
}

TEST(CompilerTest, MessagesNameTheCure) {
  EXPECT_EQ(first_text("allow: {or: [emial: a]}"),
            "'emial' is not a criterion: did you mean 'email'?");
  EXPECT_EQ(first_text("allow: {or: [{groups: {in: [a]}}]}"),
            "'in' is not an operator of groups: did you mean 'is'?");
  EXPECT_EQ(first_text("allow: {or: [{email: {regular_expression: a}}]}"),
            "'regular_expression' is not an operator of email: write one of is, not, contains, "
            "starts_with, ends_with, in, not_in");
  EXPECT_EQ(first_text("allow: {or: [{email: {in: a}}]}"),
            "'in' needs a list, even for one value, not a string");
  EXPECT_EQ(first_text("allow: {or: [{email: {contains: 5}}]}"),
            "'contains' needs a string, not a number: put it in quotes if it was meant as text");
  EXPECT_EQ(
      first_text("allow: {or: [{source_ip: localhost}]}"),
      "'localhost' is not an address or network: write 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32");
  EXPECT_EQ(first_text("allow: {or: [{client_certificate: {fingerprnt: a}}]}"),
            "'fingerprnt' is not a condition of client_certificate: did you mean 'fingerprint'?");
}

TEST(CompilerTest, ACriterionWhoseFactsNobodyStatesIsAnErrorNotAnAnswer) {
  for (const std::string_view name : {"client_certificate: {}",
                                      "invalid_client_certificate: 1",
                                      "device: {type: any}",
                                      "mcp_tool: x",
                                      "ssh_publickey: []",
                                      "ssh_ca: []",
                                      "ssh_username: x",
                                      "ssh_username_matches_email: 1",
                                      "ssh_username_matches_claim: x"}) {
    const std::string text = "deny: {nor: [{" + std::string(name) + "}]}";
    const std::string criterion(name.substr(0, name.find(':')));

    const auto refused = compile(parse(text), {});
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error()[0].code, ProblemCode::CriterionNotAvailable);
    EXPECT_EQ(refused.error()[0].text,
              "criterion " + criterion + " is not available in this version");
    EXPECT_TRUE(compile(parse(text), {.sources = FactSources::all()}).has_value()) << name;
  }
}

TEST(CompilerTest, WarnsWhereAMeaningHungOnAFaultOfTheReference) {
  EXPECT_EQ(places(problems_of("allow: {or: [{email: {not: a@example.com}}]}")),
            (std::vector<std::string>{"1:15 negative-match-without-session"}));
  EXPECT_EQ(places(problems_of("allow: {and: [{claim/role: {exclude: guest}}]}")),
            (std::vector<std::string>{"1:16 negative-match-without-session"}));
  EXPECT_EQ(places(problems_of("allow: {or: [{email: {contains: ''}}]}")),
            (std::vector<std::string>{"1:15 negative-match-without-session"}));
  EXPECT_EQ(places(problems_of("allow: {or: [{device: {}}]}", {.sources = FactSources::all()})),
            (std::vector<std::string>{"1:15 device-without-device"}));
  EXPECT_EQ(places(problems_of("allow: {and: [{http_path: {not: /admin}}]}")),
            (std::vector<std::string>{"1:16 http-field-overmatch"}));
  EXPECT_EQ(places(problems_of("deny: {or: [{http_method: {not_in: [GET]}}, {http_path: ~}]}")),
            (std::vector<std::string>{"1:14 http-field-overmatch", "1:46 http-field-overmatch"}));
  EXPECT_EQ(places(problems_of("allow: {or: [{client_certificate: {san_dns: {starts_with: a, "
                               "ends_with: b}}}]}",
                               {.sources = FactSources::all()})),
            (std::vector<std::string>{"1:15 san-operators-independent"}));
}

TEST(CompilerTest, DoesNotWarnWhereTheMeaningIsThatOfTheReference) {
  EXPECT_TRUE(
      problems_of("allow: {and: [authenticated_user: 1, email: {not: a@example.com}]}").empty());
  EXPECT_TRUE(problems_of("allow: {or: [{email: {is: a@example.com, not: b}}]}").empty());
  EXPECT_TRUE(problems_of("allow: {or: [{claim/role: {has: x}}]}").empty());
  EXPECT_TRUE(problems_of("allow: {or: [{groups: {exclude: x}}]}").empty());
  EXPECT_TRUE(problems_of("allow: {or: [{http_path: {starts_with: /a, not: /a/b}}]}").empty());
  const CompileOptions as_reference{.sources = FactSources::all(), .quirks = Quirks::AsReference};
  EXPECT_TRUE(problems_of("allow: {or: [{device: {}}]}", as_reference).empty());
  EXPECT_TRUE(
      problems_of("allow: {or: [{device: {type: any}}]}", {.sources = FactSources::all()}).empty());
  EXPECT_TRUE(
      problems_of("allow: {or: [{client_certificate: {san_dns: {is: a, not: b}}}]}", as_reference)
          .empty());
  EXPECT_TRUE(problems_of("deny: {or: [{email: {not: a@example.com}}]}").empty());
}

TEST(CompilerTest, WarnsOfAListThatWillNeverMatch) {
  const Problems problems = problems_of("allow: {or: [{email: [a, b]}]}");

  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].severity, Severity::Warning);
  EXPECT_EQ(problems[0].text,
            "email: a list here is compared as a whole and never matches: write {in: [...]} for "
            "one of several");
}

TEST(CompilerTest, MatcherOperatorsFoldInAFileAndOnlyThere) {
  const std::string_view text = "allow: {or: [{email: {IN: [a@example.com]}}]}";

  EXPECT_TRUE(compile(parse(text), {.keywords = Keywords::AnyCase}).has_value());
  EXPECT_EQ(places(problems_of(text)), (std::vector<std::string>{"1:23 unknown-string-operator"}));
}

TEST(CompilerTest, TooManyCriteriaAreRefused) {
  PolicySyntax policy;
  RuleSyntax rule;
  BlockSyntax block;
  block.criteria.assign(100'001, {.name = "accept", .subpath = {}, .at = {}, .operand = {}});
  rule.blocks.push_back(std::move(block));
  policy.rules.push_back(std::move(rule));

  const auto compiled = compile({.policy = std::move(policy), .problems = {}}, {});

  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(compiled.error()[0].code, ProblemCode::TooLarge);
}

class Visitor {
 public:
  Visitor() {
    ClaimTable::Builder claims;
    claims.set("familyname", codec::Node::string("Smith"));
    claims.set("givenName", codec::Node::string("Alice"));
    claims_ = std::move(claims).build();
    session_.user_id = "user-alice";
    session_.user_email = "alice@example.com";
    session_.claims = claims_.view();
    facts_.session = &session_;
    facts_.request.method = "GET";
    facts_.request.path = "/";
  }
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  ~Visitor() = default;

  Facts& facts() { return facts_; }
  SessionFacts& session() { return session_; }

 private:
  ClaimTable claims_;
  SessionFacts session_;
  Facts facts_;
};

TEST(ProgramTest, NoRulesAllowNobodyAndGiveNoReason) {
  Visitor visitor;
  Program moved = program_of("allow: {or: [{accept: 1}]}");
  const Program taken = std::move(moved);

  for (const Program* program : {&moved}) {  // NOLINT(bugprone-use-after-move): the case under test
    const Decision decision = decide(*program, visitor.facts());
    EXPECT_FALSE(decision.allow.value);
    EXPECT_FALSE(decision.deny.value);
  }
  const Decision empty = decide(Program(), visitor.facts());
  EXPECT_FALSE(empty.allow.value);
  EXPECT_TRUE(empty.allow.reasons.empty());
  EXPECT_EQ(outcome_of(empty, {}), Outcome::Forbidden);
  EXPECT_TRUE(decide(taken, visitor.facts()).allow.value);
  EXPECT_FALSE(decide(program_of("allow: {and: [], not: []}"), visitor.facts()).allow.value);
}

TEST(ProgramTest, AClaimNameOfAFileFallsBackToItsFoldedForm) {
  Visitor visitor;
  const std::string_view folded = "allow: {or: [{claim/familyName: Smith}]}";
  const std::string_view exact = "allow: {or: [{claim/givenName: Alice}]}";

  const auto allows = [&](std::string_view text, Keywords keywords) {
    return decide(program_of(text, {.keywords = keywords}), visitor.facts()).allow.value;
  };

  EXPECT_TRUE(allows(folded, Keywords::AnyCase));
  EXPECT_FALSE(allows(folded, Keywords::Exact));
  EXPECT_TRUE(allows(exact, Keywords::AnyCase));
  EXPECT_TRUE(allows(exact, Keywords::Exact));
}

TEST(ProgramTest, TheClaimAsWrittenHidesTheFoldedOne) {
  Visitor visitor;
  ClaimTable::Builder builder;
  builder.set("Role", codec::Node::string("guest"));
  builder.set("role", codec::Node::string("admin"));
  const ClaimTable claims = std::move(builder).build();
  visitor.session().claims = claims.view();

  const Program program =
      program_of("allow: {or: [{claim/Role: admin}]}", {.keywords = Keywords::AnyCase});

  EXPECT_FALSE(decide(program, visitor.facts()).allow.value);
}

TEST(ProgramTest, TheDefaultRuleRefusesABadCertificateBeforeSignIn) {
  const Program program = program_of("allow: {or: [{email: a@example.com}]}",
                                     {.deny_invalid_client_certificate = true});
  Facts facts;
  facts.certificate_verdict = CertificateVerdict::NotPresented;
  EXPECT_EQ(outcome_of(decide(program, facts), {}), Outcome::CertificateRequired);
  facts.certificate_verdict = CertificateVerdict::Valid;
  EXPECT_EQ(outcome_of(decide(program, facts), {}), Outcome::Login);
}

TEST(ProgramTest, NetworksMatchAtTheirEdgesAndFamiliesNeverMix) {
  const Program program = program_of(
      "allow: {or: [{source_ip: [10.1.2.128/25, 10.1.3.0/24, 10.1.3.7, 2001:db8::/33, "
      "'::ffff:192.0.2.1', fe80::1]}]}");
  const auto allows = [&](std::string_view address) {
    Facts facts;
    facts.request.client_ip = IpAddress::parse(address);
    return decide(program, facts).allow.value;
  };

  for (const std::string_view inside : {"10.1.2.128",
                                        "10.1.2.255",
                                        "10.1.3.0",
                                        "10.1.3.255",
                                        "2001:db8::",
                                        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
                                        "192.0.2.1",
                                        "::ffff:192.0.2.1",
                                        "fe80::1"}) {
    EXPECT_TRUE(allows(inside)) << inside;
  }
  for (const std::string_view outside : {"10.1.2.127",
                                         "10.1.4.0",
                                         "2001:db8:8000::",
                                         "2001:db7:ffff::",
                                         "192.0.2.2",
                                         "::",
                                         "fe80::2",
                                         "fe80::1%eth0",
                                         ""}) {
    EXPECT_FALSE(allows(outside)) << outside;
  }
}

TEST(ProgramTest, SlashZeroCoversItsOwnFamilyOnly) {
  const Program all_v4 = program_of("allow: {or: [{source_ip: 0.0.0.0/0}]}");
  const Program all_v6 = program_of("allow: {or: [{source_ip: '::/0'}]}");
  Facts v4;
  v4.request.client_ip = IpAddress::parse("255.255.255.255");
  Facts v6;
  v6.request.client_ip = IpAddress::parse("ffff::");

  EXPECT_TRUE(decide(all_v4, v4).allow.value);
  EXPECT_FALSE(decide(all_v4, v6).allow.value);
  EXPECT_TRUE(decide(all_v6, v6).allow.value);
  EXPECT_FALSE(decide(all_v6, v4).allow.value);
}

TEST(ProgramTest, NothingAboutAUserHoldsWithoutASession) {
  const Facts nobody;
  for (const std::string_view criterion : {"authenticated_user: 1",
                                           "user: {not: x}",
                                           "email: {}",
                                           "email: ''",
                                           "email: {not_in: []}",
                                           "domain: {not: x}",
                                           "claim/x: {}",
                                           "claim/x: {exclude: y}",
                                           "groups: {}",
                                           "device: {}",
                                           "device: {approved: false}",
                                           "ssh_username_matches_email: 1",
                                           "ssh_username_matches_claim: x"}) {
    const std::string rule = "[{" + std::string(criterion) + "}]";

    const Decision decision = decide(program_of("allow: {or: " + rule + "}"), nobody);
    EXPECT_FALSE(decision.allow.value) << criterion;
    EXPECT_EQ(decision.allow.reasons, ReasonSet{Reason::UserUnauthenticated}) << criterion;

    const Decision inverted = decide(program_of("allow: {not: " + rule + "}"), nobody);
    EXPECT_EQ(outcome_of(inverted, {}), Outcome::Login) << criterion;
  }
}

TEST(ProgramTest, WithoutADirectoryRecordNoGroupsCriterionHolds) {
  Visitor visitor;
  const Program excludes = program_of("allow: {or: [{groups: {exclude: g}}]}");
  EXPECT_FALSE(decide(excludes, visitor.facts()).allow.value);

  const DirectoryFacts empty;
  visitor.session().directory = &empty;
  EXPECT_TRUE(decide(excludes, visitor.facts()).allow.value);
}

TEST(ProgramTest, ManyGroupRulesFindTheOneThatMatches) {
  Visitor visitor;
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    ids.push_back("group-" + std::to_string(i));
  }
  const ValueList groups = ValueList::of_strings(ids);
  const DirectoryFacts directory{.email = {}, .groups = groups.values()};
  visitor.session().directory = &directory;
  const auto rules = [](int offset) {
    std::string text;
    for (int i = 0; i < 50; ++i) {
      text += "- allow: {and: [{groups: group-" + std::to_string(i + offset) +
              "}, {http_method: GET}]}\n";
    }
    return text;
  };

  EXPECT_TRUE(decide(program_of(rules(199)), visitor.facts()).allow.value);
  EXPECT_FALSE(decide(program_of(rules(200)), visitor.facts()).allow.value);
}

TEST(ProgramTest, AnswersThatRulesShareAreTheirOwnForEachQuestion) {
  // More questions than there are notes, each asked three times; only one is answered with yes.
  Visitor visitor;
  const auto rules = [](int path) {
    std::string text;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 400; ++i) {
        text += "- allow: {and: [{http_path: /" + std::to_string(i) + "}, {" +
                (round == 2 && i == path ? "http_method: GET" : "http_method: PUT") + "}]}\n";
      }
    }
    return text;
  };
  for (const int path : {0, 100, 254, 255, 399}) {
    const Program program = program_of(rules(path));
    const std::string wanted = "/" + std::to_string(path);
    const std::string other = "/" + std::to_string(path + 1);
    visitor.facts().request.method = "GET";
    visitor.facts().request.path = wanted;
    EXPECT_TRUE(decide(program, visitor.facts()).allow.value) << path;
    visitor.facts().request.path = other;
    EXPECT_FALSE(decide(program, visitor.facts()).allow.value) << path;
    visitor.facts().request.path = wanted;
    visitor.facts().request.method = "POST";
    EXPECT_FALSE(decide(program, visitor.facts()).allow.value) << path;
  }
}

TEST(ProgramTest, DomainIsThePieceAfterTheFirstAt) {
  Visitor visitor;
  const Program corp = program_of("allow: {or: [{domain: corp.example}]}");
  const auto allows = [&](std::string_view email) {
    visitor.session().user_email = email;
    return decide(corp, visitor.facts()).allow.value;
  };

  EXPECT_TRUE(allows("a@corp.example"));
  EXPECT_TRUE(allows("a@corp.example@evil.example")) << "sign-in stores no such address";
  EXPECT_FALSE(allows("a@evil.example@corp.example"));
  EXPECT_FALSE(allows("a@corp.example.evil.example"));
  EXPECT_FALSE(allows("a@CORP.example"));
  EXPECT_FALSE(allows("corp.example"));
  EXPECT_FALSE(allows(""));
}

TEST(ProgramTest, ByDefaultAnSshCertificateNeedsItsPrincipalAndItsAddress) {
  SshCertificateFacts certificate{.signature_key = "authority",
                                  .is_user_certificate = true,
                                  .signature_valid = true,
                                  .in_validity_period = true,
                                  .has_unknown_critical_option = false,
                                  .principals = {},
                                  .source_addresses = std::nullopt};
  const std::string key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIML3Gdu9LVubP4QER41YP51RxqLLqYdv8XPVWM0wpvYE";
  const std::string wire = *parse_authorized_key(key);
  certificate.signature_key = wire;
  const std::vector<std::string> principals{"alice"};
  const std::vector<IpPrefix> home{*IpPrefix::parse("10.0.0.0/8")};
  Facts facts;
  facts.ssh = {.username = "alice", .public_key = "certificate", .certificate = &certificate};
  facts.request.client_ip = IpAddress::parse("203.0.113.1");
  const std::string policy = "allow: {or: [{ssh_ca: '" + key + "'}]}";
  const Program strict = program_of(policy);
  const Program lenient = program_of(policy, {.ssh_ca_checks = SshCaChecks::AsReference});
  const auto answers = [&](bool by_default, bool as_reference) {
    EXPECT_EQ(decide(strict, facts).allow.value, by_default);
    EXPECT_EQ(decide(lenient, facts).allow.value, as_reference);
  };

  answers(false, true);
  certificate.principals = principals;
  answers(true, true);
  certificate.source_addresses = home;
  answers(false, true);
  facts.request.client_ip = IpAddress::parse("10.9.9.9");
  answers(true, true);
  facts.request.client_ip.reset();
  answers(false, true);
  certificate.source_addresses.reset();
  for (bool SshCertificateFacts::* must : {&SshCertificateFacts::is_user_certificate,
                                           &SshCertificateFacts::signature_valid,
                                           &SshCertificateFacts::in_validity_period}) {
    certificate.*must = false;
    answers(false, false);
    certificate.*must = true;
  }
  certificate.has_unknown_critical_option = true;
  answers(false, false);
}

TEST(ProgramTest, OnePresentedNameMustSatisfyAllConditions) {
  LeafCertificate leaf;
  leaf.san_dns = {"a.corp.example", "b.other.example"};
  Facts facts;
  facts.leaf = &leaf;
  const auto allows = [&](std::string_view matcher) {
    return decide(program_of("allow: {or: [{client_certificate: {san_dns: " + std::string(matcher) +
                             "}}]}"),
                  facts)
        .allow.value;
  };

  EXPECT_TRUE(allows("{starts_with: a., ends_with: .corp.example}"));
  EXPECT_FALSE(allows("{starts_with: b., ends_with: .corp.example}"));
  EXPECT_TRUE(allows("{not_in: [a.corp.example]}"));
  EXPECT_TRUE(allows("{}"));
}

}  // namespace
}  // namespace vallum::policy
