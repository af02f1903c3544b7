#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

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

void append_identity(JsonWriter& json, const RecordIdentity& identity) {
  if (!identity.session_id.empty()) {
    json.member("session-id", identity.session_id);
  }
  if (!identity.service_account_id.empty()) {
    json.member("service-account-id", identity.service_account_id);
  }
  json.member("user", bounded(identity.user)).member("email", bounded(identity.email));
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

void append_timings(JsonWriter& json, const RecordTimings& timings) {
  append_millis(json, "duration", timings.total);
  if (timings.authorize) {
    append_millis(json, "authorize-duration", *timings.authorize);
  }
  if (timings.upstream_connect) {
    append_millis(json, "upstream-connect-duration", *timings.upstream_connect);
  }
  if (timings.upstream_first_byte) {
    append_millis(json, "upstream-first-byte-duration", *timings.upstream_first_byte);
  }
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

void append_subject(std::string& text, const RecordSubject& subject) {
  JsonWriter json(text);
  json.begin_object();
  append_identity(json, subject.identity);
  append_certificate(json, subject.certificate);
  if (subject.route) {
    json.member("envoy-route-id", subject.route->matched_id)
        .member("envoy-route-checksum", subject.route->checksum)
        .member("route-id", subject.route->id)
        .member("route-checksum", subject.route->checksum);
  }
  if (subject.decision) {
    append_verdict(json, kAllow, subject.decision->allow);
    append_verdict(json, kDeny, subject.decision->deny);
  }
  json.end_object();
}

void append_decision(std::string& line, TimestampWriter& timestamp, const DecisionRecord& record) {
  JsonWriter json(line);
  begin_line(json, "authorize", timestamp.format(record.time), "authorize check")
      .member("request-id", record.request_id)
      .member("check-request-id", bounded(record.client_request_id))
      .member("method", bounded(record.method))
      .member("host", bounded(record.host))
      .member("path", path_of(record.target))
      .member("ip", record.ip);
  json.members_of(record.subject).member("outcome", record.outcome);
  if (!record.shadow.empty()) {
    json.member("shadow", record.shadow);
  }
  end_line(line, json);
}

void append_access(std::string& line, TimestampWriter& timestamp, const AccessRecord& record) {
  JsonWriter json(line);
  begin_line(json, "envoy", timestamp.format(record.time), "http-request")
      .member("request-id", record.request_id)
      .member("protocol", record.protocol)
      .member("method", bounded(record.method))
      .member("authority", bounded(record.authority))
      .member("path", path_of(record.target))
      .member("user-agent", bounded(record.user_agent))
      .member("referer", plain_referer(record.referer))
      .member("forwarded-for", bounded(record.forwarded_for))
      .member("ip", record.ip);
  json.members_of(record.subject).member("upstream-cluster", record.upstream_cluster);
  if (!record.upstream_address.empty()) {
    json.member("upstream-address", record.upstream_address);
  }
  json.member("outcome", record.outcome)
      .member("response-code", record.status)
      .member("response-code-details", bounded(record.details))
      .member("received", record.request_body_bytes)
      .member("size", record.response_body_bytes);
  append_timings(json, record.timings);
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
