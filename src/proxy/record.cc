#include <array>

#include "policy/reasons.h"
#include "proxy/connection.h"
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

// What both records say; the access record of a request that was decided on finds it ready.
void describe(Exchange& x, const telemetry::RecordCertificate& certificate) {
  const ReasonNames allow(x.check.decision.allow.reasons);
  const ReasonNames deny(x.check.decision.deny.reasons);
  telemetry::RecordSubject subject{.identity = identity_of(x),
                                   .route = route_of(x),
                                   .decision = std::nullopt,
                                   .certificate = certificate};
  if (x.decided) {
    subject.decision = telemetry::RecordDecision{
        .allow = {.value = x.check.decision.allow.value, .reasons = allow.view()},
        .deny = {.value = x.check.decision.deny.value, .reasons = deny.view()}};
  }
  x.record_subject.clear();
  telemetry::append_subject(x.record_subject, subject);
}

// The record's word for what a shadow policy would have done.
std::string_view shadow_of(const authorize::Check& check) {
  if (!check.shadow_outcome) {
    return {};
  }
  return *check.shadow_outcome == policy::Outcome::Allowed ? "would-allow" : "would-deny";
}

}  // namespace

// Invariant 4: the decision is with the sink before the first byte goes upstream. Returns whether
// it is.
bool Connection::record_decision(Exchange& x) {
  x.decided = true;
  describe(x, certificate_record(x));
  const bool allowed = x.check.outcome == policy::Outcome::Allowed;
  x.outcome = policy::to_string(x.check.outcome);
  core_.metrics().decision(allowed);
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
      .shadow = shadow_of(x.check)};
  const bool recorded = core_.records().try_write(record);
  if (!recorded) {
    core_.metrics().decision_not_recorded();
  }
  return recorded;
}

void Connection::record_access(Exchange& x) {
  const Duration total = core_.core().clock().now() - x.started;
  if (!x.decided) {
    describe(x, certificate_record(x));
  }
  core_.records().write(telemetry::AccessRecord{
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
                  .upstream_first_byte = x.first_byte_time}});
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(total).count();
  core_.metrics().exchange_ended(x.status, micros > 0 ? static_cast<std::uint64_t>(micros) : 0);
}

}  // namespace vallum::proxy
