#include "policytools/compared.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "codec/http_date.h"
#include "codec/json_writer.h"
#include "policy/record_matcher.h"
#include "policy/schedule.h"
#include "policy/time_zone.h"
#include "policy/value.h"

namespace vallum::policytools {

using policy::CriterionKind;
using policy::Facts;
using policy::SessionFacts;
using policy::Value;

namespace {

std::string quoted(std::string_view text) {
  std::string json;
  codec::append_json_string(json, text);
  return json;
}

std::string list_text(std::span<const Value> values) {
  std::string text = "[";
  for (const Value& value : values) {
    text.append(text.size() > 1 ? ", " : "");
    // A canonical text is JSON but for strings, which are their own.
    text.append(value.is_string() ? quoted(value.text()) : std::string(value.text()));
  }
  return text.append("]");
}

std::string claim_text(const policy::CriterionSyntax& criterion, const SessionFacts& session) {
  const policy::Claim* claim = session.claims.find(criterion.subpath);
  return claim == nullptr ? "(no such claim)" : list_text(claim->values);
}

std::string groups_text(const SessionFacts& session) {
  return session.directory == nullptr ? "(not in the directory)"
                                      : list_text(session.directory->groups);
}

std::string domain_text(const SessionFacts& session) {
  const std::string_view email = session.email();
  const std::size_t at = email.find('@');
  return at == std::string_view::npos ? "(no domain)" : quoted(email.substr(at + 1));
}

std::string devices_text(const SessionFacts& session) {
  std::string text = "[";
  for (const policy::DeviceFacts& device : session.devices) {
    text.append(text.size() > 1 ? ", " : "").append(quoted(device.type_id));
  }
  return text.append("]");
}

std::string record_text(const policy::CriterionSyntax& criterion, const SessionFacts& session) {
  policy::Problems problems;
  const auto matcher = policy::read_record(criterion.operand, policy::Keywords::AnyCase, problems);
  const auto own =
      matcher ? std::ranges::find(session.records, matcher->type, &policy::RecordFacts::type)
              : session.records.end();
  if (own == session.records.end()) {
    return "(not known)";
  }
  if (!own->fields) {
    return "(no such record)";
  }
  std::string text = "{";
  for (const policy::Claim& field : own->fields->all()) {
    text.append(text.size() > 1 ? ", " : "").append(quoted(field.name)).append(": ");
    text.append(list_text(field.values));
  }
  return text.append("}");
}

std::string certificate_text(const Facts& facts) {
  switch (facts.certificate_verdict) {
    case policy::CertificateVerdict::Valid:
      return "(valid, or not asked for)";
    case policy::CertificateVerdict::NotPresented:
      return "(no certificate)";
    case policy::CertificateVerdict::Invalid:
      break;
  }
  return "(invalid certificate)";
}

std::string preflight_text(const Facts& facts) {
  return quoted(facts.request.method) + " with origin " + quoted(facts.request.origin) +
         " for method " + quoted(facts.request.access_control_request_method);
}

// "; 10:30:00 in Europe/Berlin". Nothing for an operand that no policy may have.
std::string zone_text(const policy::CriterionSyntax& criterion, WallTime now) {
  policy::Problems problems;
  const auto matcher =
      policy::read_time_of_day(criterion.operand, policy::Keywords::AnyCase, problems);
  const auto zone = matcher ? policy::TimeZone::find(matcher->zone) : std::nullopt;
  if (!zone) {
    return {};
  }
  const auto time =
      std::chrono::hh_mm_ss(std::chrono::floor<std::chrono::seconds>(zone->time_of_day(now)));
  return fmt::format("; {:02}:{:02}:{:02} in {}",
                     time.hours().count(),
                     time.minutes().count(),
                     time.seconds().count(),
                     matcher->zone);
}

// Of criteria about the instant; nothing for others.
std::optional<std::string> of_instant(const policy::CriterionSyntax& criterion,
                                      CriterionKind kind,
                                      const Facts& facts) {
  if (kind != CriterionKind::Date && kind != CriterionKind::DayOfWeek &&
      kind != CriterionKind::TimeOfDay) {
    return std::nullopt;
  }
  if (!facts.now) {
    return "(time unknown)";
  }
  std::string text = codec::http_date(*facts.now);
  if (kind == CriterionKind::TimeOfDay) {
    text.append(zone_text(criterion, *facts.now));
  }
  return text;
}

// Of criteria about the request alone; nothing for others.
std::optional<std::string> of_request(CriterionKind kind, const Facts& facts) {
  if (kind == CriterionKind::HttpMethod) {
    return quoted(facts.request.method);
  }
  if (kind == CriterionKind::HttpPath) {
    return quoted(facts.request.path);
  }
  if (kind == CriterionKind::SourceIp) {
    return facts.request.client_ip ? facts.request.client_ip->text() : "(address unknown)";
  }
  if (kind == CriterionKind::CorsPreflight) {
    return preflight_text(facts);
  }
  if (kind == CriterionKind::ClientCertificate || kind == CriterionKind::InvalidClientCertificate) {
    return certificate_text(facts);
  }
  if (kind == CriterionKind::McpTool) {
    return quoted(facts.mcp.method) + " " + quoted(facts.mcp.tool.value_or(""));
  }
  if (kind == CriterionKind::SshUsername) {
    return quoted(facts.ssh.username);
  }
  return std::nullopt;
}

// Of criteria about the user; nothing for others.
std::optional<std::string> of_session(const policy::CriterionSyntax& criterion,
                                      CriterionKind kind,
                                      const SessionFacts* session) {
  static constexpr auto kAboutUser = std::to_array({CriterionKind::AuthenticatedUser,
                                                    CriterionKind::User,
                                                    CriterionKind::Email,
                                                    CriterionKind::Domain,
                                                    CriterionKind::Claim,
                                                    CriterionKind::Groups,
                                                    CriterionKind::Device,
                                                    CriterionKind::Record});
  if (std::ranges::find(kAboutUser, kind) == kAboutUser.end()) {
    return std::nullopt;
  }
  if (session == nullptr) {
    return "(no session)";
  }
  if (kind == CriterionKind::Email) {
    return quoted(session->email());
  }
  if (kind == CriterionKind::Domain) {
    return domain_text(*session);
  }
  if (kind == CriterionKind::Claim) {
    return claim_text(criterion, *session);
  }
  if (kind == CriterionKind::Groups) {
    return groups_text(*session);
  }
  if (kind == CriterionKind::Device) {
    return devices_text(*session);
  }
  if (kind == CriterionKind::Record) {
    return record_text(criterion, *session);
  }
  return quoted(session->user_id);
}

}  // namespace

std::string compared_text(const policy::CriterionSyntax& criterion, const Facts& facts) {
  const std::optional<CriterionKind> kind = policy::find_criterion(criterion.name);
  if (!kind) {
    return {};
  }
  if (auto text = of_request(*kind, facts)) {
    return *std::move(text);
  }
  if (auto text = of_instant(criterion, *kind, facts)) {
    return *std::move(text);
  }
  return of_session(criterion, *kind, facts.session).value_or("");
}

}  // namespace vallum::policytools
