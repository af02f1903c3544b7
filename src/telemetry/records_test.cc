#include <array>
#include <string>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "codec/read_limits.h"
#include "telemetry/access_record.h"
#include "telemetry/connection_failure.h"
#include "telemetry/decision_record.h"
#include "telemetry/field_hash.h"
#include "telemetry/limits.h"
#include "telemetry/record_fields.h"
#include "telemetry/record_subject.h"

namespace vallum::telemetry {
namespace {

constexpr std::array<std::string_view, 2> kReasons = {"domain-ok", "user-ok"};

RecordSubject subject() {
  return {.identity = {.session_id = "s1",
                       .service_account_id = "",
                       .user = "u1",
                       .email = "a@b.example"},
          .route = RecordRoute{.id = "", .matched_id = "5f", .checksum = 18446744073709551615U},
          .decision = RecordDecision{.allow = {.value = true, .reasons = kReasons},
                                     .deny = {.value = false, .reasons = {}}}};
}

const RecordPlans kUsual;

// What one deployment writes.
class Writer {
 public:
  explicit Writer(const RecordPlans& plans) : plans_(plans) {}

  std::string line(DecisionRecord record, const RecordSubject& about) {
    const RecordView view{.plans = plans_, .hash = hash_, .kind = RecordKind::Decision};
    const std::string text = subject(about, view);
    record.subject = text;
    std::string line;
    append_decision(line, timestamp_, record, view);
    return line;
  }
  std::string line(AccessRecord record, const RecordSubject& about) {
    const RecordView view{.plans = plans_, .hash = hash_, .kind = RecordKind::Access};
    const std::string text = subject(about, view);
    record.subject = text;
    std::string line;
    append_access(line, timestamp_, record, view);
    return line;
  }

 private:
  static std::string subject(const RecordSubject& about, const RecordView& view) {
    std::string text;
    append_subject(text, about, view);
    return text;
  }

  const RecordPlans& plans_;
  FieldHash hash_{Secret("0123456789abcdef0123456789abcdef")};
  TimestampWriter timestamp_;
};

DecisionRecord decision() {
  DecisionRecord record;
  record.time = from_unix_seconds(1767225600);
  record.request_id = "r1";
  record.client_request_id = "r1";
  record.method = "GET";
  record.host = "app.example";
  record.target = "/a%20b?secret=1";
  record.ip = "192.0.2.1";
  record.outcome = "permit";
  return record;
}

AccessRecord access() {
  AccessRecord record;
  record.time = from_unix_seconds(1767225600);
  record.request_id = "r1";
  record.protocol = "HTTP/1.1";
  record.method = "POST";
  record.authority = "app.example";
  record.target = "/a?pomerium_session=planted";
  record.user_agent = "curl";
  record.status = 200;
  record.details = "via_upstream";
  record.request_body_bytes = 7;
  record.response_body_bytes = 1024;
  record.timings.total = std::chrono::microseconds(1500);
  return record;
}

std::string line_of(const DecisionRecord& record,
                    const RecordSubject& about = subject(),
                    const RecordPlans& plans = kUsual) {
  return Writer(plans).line(record, about);
}

std::string line_of(const AccessRecord& record,
                    const RecordSubject& about = {},
                    const RecordPlans& plans = kUsual) {
  return Writer(plans).line(record, about);
}

codec::Node parsed(const std::string& line) {
  auto node = codec::parse_json(line, codec::ReadLimits{}, codec::DuplicateKeys::Refuse);
  EXPECT_TRUE(node.has_value()) << line;
  return node.has_value() ? *node : codec::Node();
}

std::string text(const codec::Node& node, std::string_view key) {
  const codec::Node* found = node.find(key);
  return found == nullptr ? "(absent)" : found->text();
}

TEST(DecisionRecordTest, SaysWhatWasDecidedAboutWhom) {
  EXPECT_EQ(line_of(decision()),
            "{\"level\":\"info\",\"service\":\"authorize\",\"time\":\"2026-01-01T00:00:00.000Z\","
            "\"message\":\"authorize check\",\"request-id\":\"r1\",\"check-request-id\":\"r1\","
            "\"method\":\"GET\",\"host\":\"app.example\",\"path\":\"/a%20b\",\"ip\":\"192.0.2.1\","
            "\"session-id\":\"s1\",\"user\":\"u1\",\"email\":\"a@b.example\","
            "\"envoy-route-id\":\"5f\",\"envoy-route-checksum\":18446744073709551615,"
            "\"route-id\":\"\",\"route-checksum\":18446744073709551615,"
            "\"allow\":true,\"allow-why-true\":[\"domain-ok\",\"user-ok\"],"
            "\"deny\":false,\"deny-why-false\":[],\"outcome\":\"permit\"}\n");
}

TEST(DecisionRecordTest, ReasonsAreNamedAfterTheAnswer) {
  const RecordDecision turned = {.allow = {.value = false, .reasons = kReasons},
                                 .deny = {.value = true, .reasons = kReasons}};

  const codec::Node node = parsed(line_of(decision(), {.decision = turned}));

  EXPECT_EQ(node.find("allow-why-true"), nullptr);
  EXPECT_EQ(node.find("allow-why-false")->items().size(), 2U);
  EXPECT_EQ(node.find("deny-why-true")->items().size(), 2U);
}

TEST(DecisionRecordTest, TellsWhoseCertificateItWas) {
  RecordSubject about = subject();
  about.certificate = {
      .fingerprint = "0a1b", .issuer = "CN=Root", .subject = "CN=alice", .fault = "revoked"};

  const codec::Node refused = parsed(line_of(decision(), about));
  about.certificate.fault = {};
  const codec::Node accepted = parsed(line_of(decision(), about));

  const codec::Node* certificate = refused.find("client-certificate");
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(text(*certificate, "fingerprint"), "0a1b");
  EXPECT_EQ(text(*certificate, "issuer"), "CN=Root");
  EXPECT_EQ(text(*certificate, "subject"), "CN=alice");
  EXPECT_EQ(text(*certificate, "refused-because"), "revoked");
  EXPECT_EQ(accepted.find("client-certificate")->find("refused-because"), nullptr);
  EXPECT_EQ(parsed(line_of(decision())).find("client-certificate"), nullptr);
}

TEST(ConnectionFailureTest, TellsWhoWasTurnedAwayAndWhy) {
  const std::string name(kRecordFieldBytesMax + 1, 'a');
  std::string line;
  TimestampWriter timestamp;
  append_connection_failure(line,
                            timestamp,
                            {.time = from_unix_seconds(1767225600),
                             .ip = "192.0.2.1",
                             .server_name = name,
                             .reason = "TLS handshake: no",
                             .certificate = {}});

  const codec::Node node = parsed(line);

  EXPECT_EQ(text(node, "message"), "listener connection failure");
  EXPECT_EQ(text(node, "ip"), "192.0.2.1");
  EXPECT_EQ(text(node, "tls-sni-hostname").size(), kRecordFieldBytesMax);
  EXPECT_EQ(text(node, "downstream-transport-failure-reason"), "TLS handshake: no");
  EXPECT_EQ(node.find("client-certificate"), nullptr);
}

TEST(DecisionRecordTest, SaysWhatBecameOfABearerToken) {
  DecisionRecord record = decision();
  record.bearer_token = "refused: jwt: 'exp' is missing";

  EXPECT_EQ(text(parsed(line_of(record)), "bearer-token"), "refused: jwt: 'exp' is missing");
  EXPECT_EQ(parsed(line_of(decision())).find("bearer-token"), nullptr);
}

TEST(DecisionRecordTest, SaysWhatAShadowPolicyWouldHaveDone) {
  DecisionRecord record = decision();
  record.shadow = "would-deny";

  EXPECT_EQ(text(parsed(line_of(record)), "shadow"), "would-deny");
  EXPECT_EQ(parsed(line_of(decision())).find("shadow"), nullptr);
}

TEST(DecisionRecordTest, LeavesOutWhatDoesNotExist) {
  const codec::Node node = parsed(line_of(decision(), {.decision = subject().decision}));

  EXPECT_EQ(node.find("session-id"), nullptr);
  EXPECT_EQ(node.find("service-account-id"), nullptr);
  EXPECT_EQ(node.find("route-checksum"), nullptr);
  EXPECT_EQ(text(node, "user"), "");
}

TEST(DecisionRecordTest, BytesOfAClientNeverBreakTheLine) {
  DecisionRecord record = decision();
  std::string all;
  for (int c = 255; c >= 0; --c) {
    if (c != '?') {
      all.push_back(static_cast<char>(c));
    }
  }
  record.target = all;
  record.client_request_id = all;

  const std::string line = line_of(record);

  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(parsed(line).find("outcome")->text(), "permit");
}

TEST(DecisionRecordTest, OneRequestTakesBoundedSpace) {
  DecisionRecord record = decision();
  const std::string huge(1U << 20U, '\x01');
  record.target = huge;
  record.host = huge;
  record.method = huge;

  EXPECT_LT(line_of(record).size(), 6 * (kRecordTargetBytesMax + 8 * kRecordFieldBytesMax));
}

TEST(AccessRecordTest, IsWideEnoughToAnswerAlone) {
  AccessRecord record = access();
  record.upstream_cluster = "app-5f";
  record.outcome = "permit";
  record.upstream_address = "10.0.0.1:80";
  record.timings.authorize = std::chrono::microseconds(2);

  const codec::Node node = parsed(line_of(record, subject()));

  EXPECT_EQ(text(node, "message"), "http-request");
  EXPECT_EQ(text(node, "email"), "a@b.example");
  EXPECT_EQ(text(node, "upstream-cluster"), "app-5f");
  EXPECT_EQ(text(node, "envoy-route-id"), "5f");
  EXPECT_EQ(text(node, "response-code"), "200");
  EXPECT_EQ(text(node, "size"), "1024");
  EXPECT_EQ(text(node, "received"), "7");
  EXPECT_EQ(text(node, "duration"), "1.5");
  EXPECT_EQ(text(node, "authorize-duration"), "0.002");
  EXPECT_EQ(node.find("upstream-connect-duration"), nullptr);
  EXPECT_EQ(node.find("allow-why-true")->items().size(), 2U);
}

TEST(AccessRecordTest, ARequestWithoutDecisionHasNone) {
  const codec::Node node = parsed(line_of(access()));

  EXPECT_EQ(node.find("allow"), nullptr);
  EXPECT_EQ(node.find("deny"), nullptr);
  EXPECT_EQ(text(node, "upstream-cluster"), "");
}

// Covers SES-18.
TEST(AccessRecordTest, NoSecretOfAUrlIsWritten) {
  AccessRecord record = access();
  for (const char* referer : {"https://app.example/p?token=planted",
                              "https://app.example/p#planted",
                              "https://u:planted@app.example/p",
                              "//u:planted@app.example",
                              "u:planted@app.example/x@y",
                              "https://a@u:planted@app.example/@"}) {
    record.referer = referer;

    const std::string line = line_of(record);

    EXPECT_EQ(line.find("planted"), std::string::npos) << line;
    EXPECT_NE(line.find("app.example"), std::string::npos) << line;
  }
}

constexpr std::string_view kFrame =
    R"({"level":"info","service":"authorize","time":"2026-01-01T00:00:00.000Z",)"
    R"("message":"authorize check",)";
constexpr std::string_view kResult = R"("allow":true,"allow-why-true":["domain-ok","user-ok"],)"
                                     R"("deny":false,"deny-why-false":[],"outcome":"permit"})";

TEST(RecordPlansTest, ALineThatShowsNothingShowsTheResult) {
  RecordPlans plans;
  plans.decision.shown = fields_of(RecordKind::Decision, FieldUse::Always);

  EXPECT_EQ(line_of(decision(), subject(), plans),
            std::string(kFrame) + std::string(kResult) + "\n");
}

TEST(RecordPlansTest, ARefusalHasItsStatus) {
  DecisionRecord record = decision();
  record.status = 403;

  EXPECT_EQ(text(parsed(line_of(record)), "response-code"), "403");
}

// Hashing a field that is not there leaves the short way of writing a line and changes nothing.
TEST(RecordPlansTest, BothWaysToWriteALineWriteTheSame) {
  RecordPlans plans;
  plans.hashed.insert(RecordField::Body);
  ASSERT_FALSE(plans.is_usual());
  ASSERT_TRUE(kUsual.is_usual());
  AccessRecord access_record = access();
  access_record.upstream_address = "10.0.0.1:80";
  access_record.timings.authorize = std::chrono::microseconds(2);

  EXPECT_EQ(line_of(decision(), subject(), plans), line_of(decision()));
  EXPECT_EQ(line_of(access_record, subject(), plans), line_of(access_record, subject()));
}

TEST(RecordPlansTest, EveryFieldCanBeShownAndIsNamedAsInTheTable) {
  RecordPlans plans;
  plans.decision.shown = fields_of(RecordKind::Decision, FieldUse::OnDemand);
  plans.access.shown = fields_of(RecordKind::Access, FieldUse::OnDemand);
  RecordSubject about = subject();
  about.identity.service_account_id = "a1";
  about.certificate.fingerprint = "0a1b";
  about.removed_groups = 2;
  about.route_name = "app";
  about.versions = RecordVersions{.server = 1, .session = 2, .user = 3};
  DecisionRecord decided = decision();
  decided.status = 403;
  decided.query = "q=1";
  decided.id_token = "h.p.s";
  decided.id_token_claims = R"({"sub":"u1"})";
  decided.shadow = "would-deny";
  decided.bearer_token = "accepted";
  decided.headers = R"({"X-A":"1"})";
  AccessRecord accessed = access();
  accessed.query = "q=1";
  accessed.headers = R"({"x-a":"1"})";
  accessed.upstream_address = "10.0.0.1:80";
  accessed.timings.authorize = Duration();
  accessed.timings.upstream_connect = Duration();
  accessed.timings.upstream_first_byte = Duration();

  const codec::Node decision_line = parsed(line_of(decided, about, plans));
  const codec::Node access_line = parsed(line_of(accessed, about, plans));

  // MCP requests and impersonation do not exist; "decision" is two members with reasons.
  constexpr FieldSet kNowhere = {RecordField::McpMethod,
                                 RecordField::McpTool,
                                 RecordField::McpToolParameters,
                                 RecordField::Body,
                                 RecordField::ImpersonateSessionId,
                                 RecordField::ImpersonateUserId,
                                 RecordField::ImpersonateEmail,
                                 RecordField::Decision};
  for (const RecordFieldRow& row : record_fields()) {
    if (!kNowhere.contains(row.field)) {
      EXPECT_EQ(decision_line.find(row.name) != nullptr, row.decision != FieldUse::Never)
          << row.name;
      EXPECT_EQ(access_line.find(row.name) != nullptr, row.access != FieldUse::Never) << row.name;
    }
  }
  EXPECT_EQ(decision_line.find("record-versions")->find("user")->text(), "3");
  EXPECT_EQ(text(decision_line, "removed-groups-count"), "2");
}

TEST(RecordPlansTest, AHashIsTheSameForTheSameTextAndTellsNothing) {
  RecordPlans plans;
  plans.hashed = {RecordField::Email, RecordField::User, RecordField::SessionId};

  const std::string line = line_of(decision(), subject(), plans);
  const codec::Node node = parsed(line);

  EXPECT_FALSE(line.contains("a@b.example"));
  EXPECT_TRUE(text(node, "email").starts_with("hmac-"));
  EXPECT_EQ(text(node, "email").size(), 37U);
  EXPECT_NE(text(node, "email"), text(node, "user"));
  EXPECT_EQ(text(parsed(line_of(access(), subject(), plans)), "email"), text(node, "email"));
  EXPECT_EQ(text(parsed(line_of(access(), {}, plans)), "email"), "");
  FieldHash elsewhere(Secret("another shared secret of 32 byte"));
  EXPECT_NE(elsewhere.of("a@b.example"), text(node, "email"));
}

TEST(RecordPlansTest, ATokenLosesItsSignatureUnlessItIsKeptOnPurpose) {
  RecordPlans plans;
  plans.decision.shown.insert(RecordField::IdToken);
  DecisionRecord record = decision();
  record.id_token = "header.payload.signature";

  EXPECT_EQ(text(parsed(line_of(record, subject(), plans)), "id-token"),
            "header.payload.(redacted)");
  plans.kept.insert(RecordField::IdToken);
  EXPECT_EQ(text(parsed(line_of(record, subject(), plans)), "id-token"),
            "header.payload.signature");
}

TEST(RecordPlansTest, LinesThatShowTheSameOfASubjectShareIt) {
  RecordPlans plans;
  EXPECT_TRUE(plans.share_subject());
  plans.access.shown.erase(RecordField::UserAgent);
  EXPECT_TRUE(plans.share_subject());
  plans.access.shown.erase(RecordField::Email);
  EXPECT_FALSE(plans.share_subject());
}

}  // namespace
}  // namespace vallum::telemetry
