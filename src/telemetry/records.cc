#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "codec/json_writer.h"
#include "telemetry/access_record.h"
#include "telemetry/connection_failure.h"
#include "telemetry/decision_record.h"
#include "telemetry/limits.h"
#include "telemetry/record_subject.h"

namespace vallum::telemetry {

namespace {

using codec::JsonKey;
using codec::JsonWriter;
using F = RecordField;

std::string_view bounded(std::string_view text) {
  return text.substr(0, kRecordFieldBytesMax);
}

std::string_view before(std::string_view text, std::string_view any_of) {
  return text.substr(0, text.find_first_of(any_of));
}

std::string_view path_of(std::string_view target) {
  return before(target, "?").substr(0, kRecordTargetBytesMax);
}

// A referer may carry tokens in its query and fragment, and a password before its host.
std::string_view plain_referer(std::string_view referer) {
  referer = before(referer, "?#");
  const std::size_t slashes = referer.find("//");
  const std::size_t start = slashes == std::string_view::npos ? 0 : slashes + 2;
  const std::size_t at = before(referer.substr(start), "/\\").rfind('@');
  if (at != std::string_view::npos) {
    referer.remove_prefix(start + at + 1);
  }
  return bounded(referer);
}

struct VerdictNames {
  JsonKey value;
  JsonKey why_true;
  JsonKey why_false;
};
constexpr VerdictNames kAllow = {"allow", "allow-why-true", "allow-why-false"};
constexpr VerdictNames kDeny = {"deny", "deny-why-true", "deny-why-false"};

void append_verdict(JsonWriter& json, const VerdictNames& names, const Verdict& verdict) {
  json.member(names.value, verdict.value);
  json.key(verdict.value ? names.why_true : names.why_false).begin_array();
  for (const std::string_view reason : verdict.reasons) {
    json.value(reason);
  }
  json.end_array();
}

// The client chose these names: they are cut like its other texts.
void append_certificate(JsonWriter& json, const RecordCertificate& certificate) {
  if (certificate.fingerprint.empty()) {
    return;
  }
  json.key("client-certificate")
      .begin_object()
      .member("fingerprint", certificate.fingerprint)
      .member("issuer", bounded(certificate.issuer))
      .member("subject", bounded(certificate.subject));
  if (!certificate.fault.empty()) {
    json.member("refused-because", certificate.fault);
  }
  json.end_object();
}

// Milliseconds with their thousandths, as far as there are any.
void append_millis(JsonWriter& json, JsonKey name, Duration duration) {
  const auto micros = std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), 0);
  std::array<char, 24> digits{};
  char* end = std::to_chars(digits.data(), digits.data() + digits.size() - 4, micros / 1000).ptr;
  if (auto rest = static_cast<int>(micros % 1000); rest != 0) {
    *end++ = '.';
    for (int place = 100; rest != 0; place /= 10) {
      *end++ = static_cast<char>('0' + rest / place);
      rest %= place;
    }
  }
  json.key(name).raw({digits.data(), end});
}

// The usual lines. What they show is known when this is compiled, so that asking costs
// nothing.
struct UsualPlan {
  static constexpr bool shows(F field) { return !kFieldsOnDemand.contains(field); }
  static constexpr bool hashes(F /*field*/) { return false; }
  static constexpr bool keeps(F /*field*/) { return false; }
  static constexpr std::string_view text(F /*field*/, std::string_view value) { return value; }
};

// A line that somebody asked for.
class ChosenPlan {
 public:
  explicit ChosenPlan(const RecordView& view)
      : shown_(view.plans.line(view.kind).shown), plans_(view.plans), hash_(view.hash) {}

  bool shows(F field) const { return shown_.contains(field); }
  bool hashes(F field) const { return plans_.hashed.contains(field); }
  bool keeps(F field) const { return plans_.kept.contains(field); }
  std::string_view text(F field, std::string_view value) const {
    return hashes(field) ? hash_.of(value) : value;
  }

 private:
  FieldSet shown_;
  const RecordPlans& plans_;
  FieldHash& hash_;
};

// Writes members that the plan shows.
template <class Plan>
class Members {
 public:
  Members(JsonWriter& json, const Plan& plan) : json_(json), plan_(plan) {}

  Members& text(F field, JsonKey name, std::string_view value) {
    if (plan_.shows(field)) {
      json_.member(name, plan_.text(field, value));
    }
    return *this;
  }
  // Left out where there is none.
  Members& text_if_any(F field, JsonKey name, std::string_view value) {
    return value.empty() ? *this : text(field, name, value);
  }
  template <class Value>
  Members& value(F field, JsonKey name, const Value& value) {
    if (plan_.shows(field)) {
      json_.member(name, value);
    }
    return *this;
  }
  // Text that is a JSON object already; left out where there is none.
  Members& object(F field, JsonKey name, std::string_view value) {
    if (plan_.shows(field) && !value.empty()) {
      json_.key(name).raw(value);
    }
    return *this;
  }
  Members& millis(F field, JsonKey name, std::optional<Duration> duration) {
    if (duration && plan_.shows(field)) {
      append_millis(json_, name, *duration);
    }
    return *this;
  }

 private:
  JsonWriter& json_;
  const Plan& plan_;
};

// A token that shows what it claims and opens nothing.
void append_unsigned(JsonWriter& json, JsonKey name, std::string_view token) {
  std::string text(token.substr(0, token.rfind('.')));
  text.append(".(redacted)");
  json.member(name, text);
}

template <class Plan>
void write_subject(std::string& text, const RecordSubject& subject, const Plan& plan) {
  JsonWriter json(text);
  json.begin_object();
  Members members(json, plan);
  members.text_if_any(F::SessionId, "session-id", subject.identity.session_id)
      .text_if_any(F::ServiceAccountId, "service-account-id", subject.identity.service_account_id)
      .text(F::User, "user", bounded(subject.identity.user))
      .text(F::Email, "email", bounded(subject.identity.email));
  if (plan.shows(F::ClientCertificate)) {
    append_certificate(json, subject.certificate);
  }
  if (subject.removed_groups > 0) {
    members.value(F::RemovedGroupsCount, "removed-groups-count", subject.removed_groups);
  }
  if (subject.route) {
    members.value(F::EnvoyRouteId, "envoy-route-id", subject.route->matched_id)
        .value(F::EnvoyRouteChecksum, "envoy-route-checksum", subject.route->checksum)
        .value(F::RouteId, "route-id", subject.route->id)
        .value(F::RouteChecksum, "route-checksum", subject.route->checksum);
    members.text_if_any(F::ClusterStatName, "cluster-stat-name", bounded(subject.route_name));
  }
  if (subject.versions && plan.shows(F::RecordVersions)) {
    json.key("record-versions")
        .begin_object()
        .member("server", subject.versions->server)
        .member("session", subject.versions->session)
        .member("user", subject.versions->user)
        .member("directory-user", subject.versions->directory_user)
        .member("directory-groups", subject.versions->directory_groups)
        .member("devices", subject.versions->devices)
        .member("policy-records", subject.versions->policy_records)
        .end_object();
  }
  if (subject.decision && plan.shows(F::Decision)) {
    append_verdict(json, kAllow, subject.decision->allow);
    append_verdict(json, kDeny, subject.decision->deny);
  }
  json.end_object();
}

template <class Plan>
void write_decision(JsonWriter& json, const DecisionRecord& record, const Plan& plan) {
  Members members(json, plan);
  members.value(F::RequestId, "request-id", record.request_id)
      .text(F::CheckRequestId, "check-request-id", bounded(record.client_request_id))
      .text(F::Method, "method", bounded(record.method))
      .text(F::Host, "host", bounded(record.host))
      .text(F::Path, "path", path_of(record.target))
      .text(F::Query, "query", bounded(record.query))
      .text(F::Ip, "ip", record.ip);
  if (plan.shows(F::IdToken) && !record.id_token.empty()) {
    if (plan.keeps(F::IdToken) || plan.hashes(F::IdToken)) {
      json.member("id-token", plan.text(F::IdToken, record.id_token));
    } else {
      append_unsigned(json, "id-token", record.id_token);
    }
  }
  members.object(F::IdTokenClaims, "id-token-claims", record.id_token_claims)
      .object(F::Headers, "headers", record.headers);
  json.members_of(record.subject).member("outcome", record.outcome);
  if (!record.shadow.empty()) {
    json.member("shadow", record.shadow);
  }
  if (!record.bearer_token.empty()) {
    json.member("bearer-token", bounded(record.bearer_token));
  }
  if (record.status != 0) {
    json.member("response-code", record.status);
  }
}

template <class Plan>
void write_access(JsonWriter& json, const AccessRecord& record, const Plan& plan) {
  Members members(json, plan);
  members.value(F::RequestId, "request-id", record.request_id)
      .value(F::Protocol, "protocol", record.protocol)
      .text(F::Method, "method", bounded(record.method))
      .text(F::Authority, "authority", bounded(record.authority))
      .text(F::Path, "path", path_of(record.target))
      .text(F::Query, "query", bounded(record.query))
      .text(F::UserAgent, "user-agent", bounded(record.user_agent))
      .text(F::Referer, "referer", plain_referer(record.referer))
      .text(F::ForwardedFor, "forwarded-for", bounded(record.forwarded_for))
      .text(F::Ip, "ip", record.ip)
      .object(F::Headers, "headers", record.headers);
  json.members_of(record.subject);
  members.value(F::UpstreamCluster, "upstream-cluster", record.upstream_cluster)
      .text_if_any(F::UpstreamAddress, "upstream-address", record.upstream_address)
      .value(F::Outcome, "outcome", record.outcome)
      .value(F::ResponseCode, "response-code", record.status)
      .value(F::ResponseCodeDetails, "response-code-details", bounded(record.details))
      .value(F::Received, "received", record.request_body_bytes)
      .value(F::Size, "size", record.response_body_bytes)
      .millis(F::Duration, "duration", record.timings.total)
      .millis(F::AuthorizeDuration, "authorize-duration", record.timings.authorize)
      .millis(
          F::UpstreamConnectDuration, "upstream-connect-duration", record.timings.upstream_connect)
      .millis(F::UpstreamFirstByteDuration,
              "upstream-first-byte-duration",
              record.timings.upstream_first_byte);
}

JsonWriter& begin_line(JsonWriter& json,
                       std::string_view service,
                       std::string_view time,
                       std::string_view message) {
  return json.begin_object()
      .member("level", "info")
      .member("service", service)
      .member("time", time)
      .member("message", message);
}

void end_line(std::string& line, JsonWriter& json) {
  json.end_object();
  line.push_back('\n');
}

}  // namespace

void append_subject(std::string& text, const RecordSubject& subject, const RecordView& view) {
  if (view.plans.is_usual()) {
    write_subject(text, subject, UsualPlan());
  } else {
    write_subject(text, subject, ChosenPlan(view));
  }
}

void append_decision(std::string& line,
                     TimestampWriter& timestamp,
                     const DecisionRecord& record,
                     const RecordView& view) {
  JsonWriter json(line);
  begin_line(json, "authorize", timestamp.format(record.time), "authorize check");
  if (view.plans.is_usual()) {
    write_decision(json, record, UsualPlan());
  } else {
    write_decision(json, record, ChosenPlan(view));
  }
  end_line(line, json);
}

void append_access(std::string& line,
                   TimestampWriter& timestamp,
                   const AccessRecord& record,
                   const RecordView& view) {
  JsonWriter json(line);
  begin_line(json, "envoy", timestamp.format(record.time), "http-request");
  if (view.plans.is_usual()) {
    write_access(json, record, UsualPlan());
  } else {
    write_access(json, record, ChosenPlan(view));
  }
  end_line(line, json);
}

void append_connection_failure(std::string& line,
                               TimestampWriter& timestamp,
                               const ConnectionFailure& failure) {
  JsonWriter json(line);
  begin_line(json, "envoy", timestamp.format(failure.time), "listener connection failure")
      .member("ip", failure.ip)
      .member("tls-sni-hostname", bounded(failure.server_name))
      .member("downstream-transport-failure-reason", bounded(failure.reason));
  append_certificate(json, failure.certificate);
  end_line(line, json);
}

}  // namespace vallum::telemetry
