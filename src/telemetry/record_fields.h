#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vallum::telemetry {

// Everything that the two lines of a request can say (policy specification 8, configuration
// specification 2.2), in the order in which a line says it.
enum class RecordField : std::uint8_t {
  RequestId,
  CheckRequestId,
  Protocol,
  Method,
  Host,
  Authority,
  Path,
  Query,
  UserAgent,
  Referer,
  ForwardedFor,
  Ip,
  IdToken,
  IdTokenClaims,
  McpMethod,
  McpTool,
  McpToolParameters,
  Body,
  Headers,
  SessionId,
  ServiceAccountId,
  User,
  Email,
  ImpersonateSessionId,
  ImpersonateUserId,
  ImpersonateEmail,
  ClientCertificate,
  RemovedGroupsCount,
  EnvoyRouteId,
  EnvoyRouteChecksum,
  RouteId,
  RouteChecksum,
  ClusterStatName,
  RecordVersions,
  Decision,
  UpstreamCluster,
  UpstreamAddress,
  Outcome,
  Shadow,
  BearerToken,
  ResponseCode,
  ResponseCodeDetails,
  Received,
  Size,
  Duration,
  AuthorizeDuration,
  UpstreamConnectDuration,
  UpstreamFirstByteDuration,
};

class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<RecordField> fields) {
    for (const RecordField field : fields) {
      insert(field);
    }
  }

  constexpr void insert(RecordField field) { bits_ |= bit(field); }
  constexpr void erase(RecordField field) { bits_ &= ~bit(field); }
  constexpr bool contains(RecordField field) const { return (bits_ & bit(field)) != 0; }
  constexpr FieldSet operator&(FieldSet other) const {
    other.bits_ &= bits_;
    return other;
  }
  constexpr bool operator==(const FieldSet&) const = default;

 private:
  static constexpr std::uint64_t bit(RecordField field) {
    return std::uint64_t{1} << static_cast<unsigned>(field);
  }
  std::uint64_t bits_ = 0;
};

// Which of the two lines.
enum class RecordKind : std::uint8_t { Decision, Access };

// What a line makes of a field.
enum class FieldUse : std::uint8_t {
  Never,     // the line knows no such field
  OnDemand,  // only when it is asked for
  Usual,     // unless something else is asked for
  Always,    // whatever is asked for
};

// What neither line shows unless it is asked for.
inline constexpr FieldSet kFieldsOnDemand = {RecordField::Query,
                                             RecordField::IdToken,
                                             RecordField::IdTokenClaims,
                                             RecordField::McpMethod,
                                             RecordField::McpTool,
                                             RecordField::McpToolParameters,
                                             RecordField::Body,
                                             RecordField::Headers,
                                             RecordField::ClusterStatName,
                                             RecordField::RecordVersions};

struct RecordFieldRow {
  RecordField field{};
  std::string_view name;
  FieldUse decision = FieldUse::Never;
  FieldUse access = FieldUse::Never;
  // It is a text, which can be hashed.
  bool is_text = false;
  std::string_view documentation;

  constexpr FieldUse use(RecordKind kind) const {
    return kind == RecordKind::Decision ? decision : access;
  }
};

std::span<const RecordFieldRow> record_fields();
const RecordFieldRow* find_record_field(std::string_view name);
// The fields that a line of this kind makes so much of, or more.
FieldSet fields_of(RecordKind kind, FieldUse least);

// What becomes of a field, or of a header in "headers", that says something about a person.
enum class FieldPolicy : std::uint8_t { Keep, Hash, Drop };

struct HeaderPolicy {
  std::string name;  // lower case
  FieldPolicy policy = FieldPolicy::Keep;

  bool operator==(const HeaderPolicy&) const = default;
};

// What one kind of line shows.
struct LinePlan {
  FieldSet shown;
  // Of the field Headers: these, in lower case, or all.
  std::vector<std::string> headers = {};
  bool all_headers = false;

  bool operator==(const LinePlan&) const = default;
};

// What both lines show, made once from the configuration. Unless told otherwise, credentials are
// not shown: headers that carry one are "(redacted)", and a token loses its signature.
struct RecordPlans {
  LinePlan decision{.shown = fields_of(RecordKind::Decision, FieldUse::Usual)};
  LinePlan access{.shown = fields_of(RecordKind::Access, FieldUse::Usual)};
  FieldSet hashed;
  // Credentials that are shown as they are.
  FieldSet kept;
  std::vector<HeaderPolicy> header_policies;

  const LinePlan& line(RecordKind kind) const {
    return kind == RecordKind::Decision ? decision : access;
  }
  // Nothing else than usual is asked for: lines are written the short way.
  bool is_usual() const;
  // Both lines say the same about who asked for what.
  bool share_subject() const;
  std::optional<FieldPolicy> header_policy(std::string_view lower_name) const;

  bool operator==(const RecordPlans&) const = default;
};

}  // namespace vallum::telemetry
