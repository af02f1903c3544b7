#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip_address.h"
#include "policy/facts.h"
#include "policy/problem.h"
#include "policy/schedule.h"
#include "policy/syntax.h"
#include "policy/value.h"

// One criterion after its name and data were understood: what check() makes of the syntax, and what
// the compiler lays out flat. Policy specification 2.
namespace vallum::policy {

enum class CriterionKind : std::uint8_t {
  Accept,
  Reject,
  AuthenticatedUser,
  User,
  Email,
  Domain,
  Claim,
  Groups,
  HttpMethod,
  HttpPath,
  CorsPreflight,
  SourceIp,
  ClientCertificate,
  InvalidClientCertificate,
  Device,
  McpTool,
  SshPublickey,
  SshCa,
  SshUsername,
  SshUsernameMatchesEmail,
  SshUsernameMatchesClaim,
  // Of the reference product's commercial editions.
  Date,
  DayOfWeek,
  TimeOfDay,
  Record,
  PomeriumRoutes,
};

inline constexpr std::size_t kCriterionKindCount =
    static_cast<std::size_t>(CriterionKind::PomeriumRoutes) + 1;

std::string_view to_string(CriterionKind kind);
std::optional<CriterionKind> find_criterion(std::string_view name);
std::span<const std::string_view> criterion_names();

enum class Comparison : std::uint8_t {
  // Of one string.
  Is,
  IsNot,
  Contains,
  StartsWith,
  EndsWith,
  In,
  NotIn,
  // Of a list.
  Has,
  HasAny,  // only from joining several Has
  IsOnly,
  Excludes,
  // Of one value with a number, or of one string with a string.
  Less,
  AtMost,
  AtLeast,
  Greater,
};

// A value of the policy, in the canonical form of Value.
struct Constant {
  Value::Kind kind = Value::Kind::Null;
  std::string text;
};

Constant constant_of(const codec::Node& node);

struct Condition {
  Comparison comparison = Comparison::Is;
  // Exactly one, but for In, NotIn and HasAny.
  std::vector<Constant> operands;
};

// All must hold. No condition: holds whenever there is something to compare.
using Matcher = std::vector<Condition>;

struct ClaimName {
  std::string name;
  // What a loader that folds every key would have made of the name; looked up when there is no
  // claim of the name as written. "" when that is the same or not wanted.
  std::string folded;
};

struct ClaimMatcher {
  ClaimName claim;
  Matcher matcher;
};

struct CertificateMatcher {
  // Absent: any. Empty: none.
  std::optional<std::vector<Digest>> fingerprints;
  std::optional<std::vector<Digest>> spki_hashes;
  // One name of the type must satisfy all conditions; no condition asks for nothing.
  Matcher san_email;
  Matcher san_dns;
  Matcher san_uri;
};

struct DeviceMatcher {
  std::optional<std::string> is;
  // Absent: "any".
  std::optional<std::string> type;
  std::optional<bool> approved;
};

// About the record of a type that belongs to the request.
struct RecordMatcher {
  std::string type;
  // "": about the record as a whole.
  std::string field;
  // Of the field, or of the record where no field is named.
  std::optional<bool> exists;
  Matcher matcher;
};

using Networks = std::vector<IpPrefix>;
// Wire encodings.
using SshKeys = std::vector<std::string>;

struct Criterion {
  CriterionKind kind = CriterionKind::Reject;
  codec::Position at;
  // By kind; nothing for those whose data is not used.
  std::variant<std::monostate,
               Matcher,
               ClaimMatcher,
               CertificateMatcher,
               DeviceMatcher,
               Networks,
               SshKeys,
               ClaimName,
               DateMatcher,
               DaySet,
               TimeOfDayMatcher,
               RecordMatcher>
      data;
};

// Nothing when there were errors; they and any warnings are added to `problems`.
std::optional<Criterion> check_criterion(const CriterionSyntax& syntax,
                                         Keywords keywords,
                                         Problems& problems);

}  // namespace vallum::policy
