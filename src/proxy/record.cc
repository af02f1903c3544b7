#include <array>
#include <string>

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "policy/reasons.h"
#include "proxy/message_heads.h"
#include "proxy/planner.h"
#include "proxy/record_headers.h"
#include "session/assertion_claims.h"
#include "session/joined_identity.h"
#include "telemetry/access_record.h"
#include "telemetry/decision_record.h"
#include "telemetry/record_subject.h"

namespace vallum::proxy {

using http::FieldId;

namespace {

// The names of a verdict's reasons, in memory of its own so that no record allocates.
class ReasonNames {
 public:
  explicit ReasonNames(policy::ReasonSet reasons) {
    for (const policy::Reason reason : reasons) {
      names_[count_++] = policy::to_string(reason);
    }
  }
  std::span<const std::string_view> view() const {
    return std::span<const std::string_view>(names_).first(count_);
  }

 private:
  std::array<std::string_view, policy::kReasonCount> names_{};
  std::size_t count_ = 0;
};

telemetry::RecordIdentity identity_of(const Exchange& x) {
  const session::JoinedIdentity* identity = x.check.identity.get();
  if (identity == nullptr) {
    return {};
  }
  const bool service_account = identity->is_service_account();
  return {.session_id = service_account ? std::string_view() : identity->session_id(),
          .service_account_id = service_account ? identity->session_id() : std::string_view(),
          .user = identity->user_id(),
          .email = identity->user_email()};
}

std::optional<telemetry::RecordRoute> route_of(const Exchange& x) {
  if (x.route == nullptr) {
    return std::nullopt;
  }
  return telemetry::RecordRoute{
      .id = {}, .matched_id = x.route->settings->id, .checksum = x.route->checksum};
}

telemetry::RecordVersions versions_of(const session::JoinedIdentity& identity) {
  const session::IdentityVersions& versions = identity.versions();
  return {.server = identity.as_of().server_version,
          .session = versions.session,
          .user = versions.user,
          .directory_user = versions.directory_user,
          .directory_groups = versions.directory_groups,
          .devices = versions.devices,
          .policy_records = versions.own_records};
}

// What both records say; the access record of a request that was decided on finds it ready where it
// shows the same of it.
void describe(Exchange& x,
              const telemetry::RecordCertificate& certificate,
              const telemetry::RecordView& view) {
  const ReasonNames allow(x.check.decision.allow.reasons);
  const ReasonNames deny(x.check.decision.deny.reasons);
  telemetry::RecordSubject subject{
      .identity = identity_of(x), .route = route_of(x), .certificate = certificate};
  if (x.route != nullptr) {
    subject.route_name = x.route->settings->name;
    subject.removed_groups = session::GroupsFilter(x.route->settings->assertion.groups_filter)
                                 .removed_from(x.check.identity.get());
  }
  if (x.check.identity != nullptr) {
    subject.versions = versions_of(*x.check.identity);
  }
  if (x.decided) {
    subject.decision = telemetry::RecordDecision{
        .allow = {.value = x.check.decision.allow.value, .reasons = allow.view()},
        .deny = {.value = x.check.decision.deny.value, .reasons = deny.view()}};
  }
  x.record_subject.clear();
  telemetry::append_subject(x.record_subject, subject, view);
}

// The claims of a token as a JSON object; "" when it holds none.
std::string claims_of(std::string_view token) {
  const std::size_t begin = token.find('.') + 1;
  const auto bytes = codec::decode_base64(token.substr(begin, token.find('.', begin) - begin),
                                          codec::Base64::UrlRaw);
  if (!bytes) {
    return {};
  }
  const auto claims = codec::parse_json(as_text(*bytes));
  if (!claims || !claims->is_map()) {
    return {};
  }
  std::string text;
  codec::JsonWriter json(text);
  codec::write_node(json, *claims);
  return text;
}

// What is rendered only for lines that show it.
struct OnDemand {
  std::string query;
  std::string headers;
  std::string_view id_token;
  std::string id_token_claims;
};

OnDemand on_demand(const Exchange& x, const telemetry::RecordView& view) {
  using telemetry::RecordField;
  OnDemand made;
  if (view.plans.is_usual()) {
    return made;
  }
  const telemetry::FieldSet shown = view.plans.line(view.kind).shown;
  // The queries of own endpoints hold codes and signatures.
  if (shown.contains(RecordField::Query) && x.route != nullptr) {
    append_query_without_session(made.query, x.target.query);
  }
  if (shown.contains(RecordField::Headers)) {
    append_record_headers(made.headers, x.head.fields, view);
  }
  if (x.check.identity != nullptr && shown.contains(RecordField::IdToken)) {
    made.id_token = x.check.identity->id_token().expose_text();
  }
  if (x.check.identity != nullptr && shown.contains(RecordField::IdTokenClaims)) {
    made.id_token_claims = claims_of(x.check.identity->id_token().expose_text());
  }
  return made;
}

const telemetry::RecordPlans& plans_of(const Exchange& x) {
  return x.generation->settings->records;
}

// The record's word for what a shadow policy would have done.
std::string_view shadow_of(const authorize::Check& check) {
  if (!check.shadow_outcome) {
    return {};
  }
  return *check.shadow_outcome == policy::Outcome::Allowed ? "would-allow" : "would-deny";
}

// The record's words for what became of a bearer token.
std::string_view bearer_of(const authorize::Check& check, std::string& scratch) {
  if (!check.by_token) {
    return {};
  }
  if (check.state != authorize::Check::State::TokenRefused) {
    return "accepted";
  }
  scratch = "refused: " + check.token_refusal;
  return scratch;
}

}  // namespace

// Invariant 4: the decision is with the sink before the first byte goes upstream. Returns whether
// it is.
bool Planner::record_decision(Exchange& x) {
  const telemetry::RecordView view =
      core_.records().view(telemetry::RecordKind::Decision, plans_of(x));
  x.decided = true;
  describe(x, certificate_record(x), view);
  const bool allowed = x.check.outcome == policy::Outcome::Allowed;
  x.outcome = policy::to_string(x.check.outcome);
  core_.metrics().decision(allowed);
  const OnDemand more = on_demand(x, view);
  std::string bearer;
  const telemetry::DecisionRecord record{
      .time = x.wall,
      .request_id = x.request_id.view(),
      .client_request_id = x.head.fields.value(FieldId::XRequestId),
      .method = x.head.method_text,
      .host = x.head.authority.text(),
      .target = x.target.path,
      .ip = x.peer_text,
      .subject = x.record_subject,
      .outcome = x.outcome,
      .shadow = shadow_of(x.check),
      .bearer_token = bearer_of(x.check, bearer),
      .status = allowed || x.ending == Ending::Upgraded ? std::uint16_t{0} : x.status,
      .query = more.query,
      .id_token = more.id_token,
      .id_token_claims = more.id_token_claims,
      .headers = more.headers};
  const bool recorded = core_.records().try_write(record, view.plans);
  if (!recorded) {
    core_.metrics().decision_not_recorded();
  }
  return recorded;
}

void Planner::record_access(Exchange& x) {
  const Duration total = core_.core().clock().now() - x.started;
  const telemetry::RecordView view =
      core_.records().view(telemetry::RecordKind::Access, plans_of(x));
  if (!x.decided || !view.plans.share_subject()) {
    describe(x, certificate_record(x), view);
  }
  const OnDemand more = on_demand(x, view);
  const telemetry::AccessRecord record{
      .time = core_.core().clock().wall(),
      .request_id = x.request_id.view(),
      .protocol = "HTTP/1.1",
      .method = x.head.method_text,
      .authority = x.head.authority.text(),
      .target = x.target.path,
      .user_agent = x.head.fields.value(FieldId::UserAgent),
      .referer = x.head.fields.value(FieldId::Referer),
      .forwarded_for = x.head.fields.value(FieldId::XForwardedFor),
      .ip = x.peer_text,
      .upstream_cluster = x.route == nullptr ? std::string_view() : x.route->cluster,
      .upstream_address = x.upstream_peer,
      .subject = x.record_subject,
      .outcome = x.outcome,
      .status = x.status,
      .details = x.details,
      .request_body_bytes = x.request_body_bytes,
      .response_body_bytes = x.response_body_bytes,
      .timings = {.total = total,
                  .authorize = x.authorize_time,
                  .upstream_connect = x.connect_time,
                  .upstream_first_byte = x.first_byte_time},
      .query = more.query,
      .headers = more.headers};
  core_.records().write(record, view.plans);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(total).count();
  core_.metrics().exchange_ended(x.status, micros > 0 ? static_cast<std::uint64_t>(micros) : 0);
}

}  // namespace vallum::proxy
