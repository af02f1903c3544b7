#include "telemetry/record_fields.h"

#include <algorithm>
#include <array>

namespace vallum::telemetry {

namespace {

using enum FieldUse;
using F = RecordField;

constexpr auto kRows = std::to_array<RecordFieldRow>({
    {F::RequestId, "request-id", Usual, Usual, false, "Joins the two records and the answer."},
    {F::CheckRequestId,
     "check-request-id",
     Usual,
     Never,
     true,
     "`X-Request-Id` as the client sent it."},
    {F::Protocol, "protocol", Never, Usual, false, "Version of HTTP."},
    {F::Method, "method", Usual, Usual, true, "Method."},
    {F::Host, "host", Usual, Never, true, "Host that was asked for."},
    {F::Authority, "authority", Never, Usual, true, "The same."},
    {F::Path, "path", Usual, Usual, true, "Path, without the query."},
    {F::Query,
     "query",
     OnDemand,
     OnDemand,
     true,
     "Query, without our session parameter; of routes only."},
    {F::UserAgent, "user-agent", Never, Usual, true, "`User-Agent`."},
    {F::Referer, "referer", Never, Usual, true, "`Referer`, up to its query."},
    {F::ForwardedFor, "forwarded-for", Never, Usual, true, "`X-Forwarded-For`."},
    {F::Ip, "ip", Usual, Usual, true, "Address of the connection."},
    {F::IdToken,
     "id-token",
     OnDemand,
     Never,
     true,
     "ID token of the session, without its signature."},
    {F::IdTokenClaims, "id-token-claims", OnDemand, Never, false, "What it claims."},
    {F::McpMethod, "mcp-method", OnDemand, Never, true, "Of requests to MCP servers."},
    {F::McpTool, "mcp-tool", OnDemand, Never, true, "Of requests to MCP servers."},
    {F::McpToolParameters,
     "mcp-tool-parameters",
     OnDemand,
     Never,
     false,
     "Of requests to MCP servers."},
    {F::Body, "body", OnDemand, Never, true, "Of requests to MCP servers."},
    {F::Headers,
     "headers",
     OnDemand,
     OnDemand,
     false,
     "All headers of the request; `headers.NAME` for one. Credentials are redacted."},
    {F::SessionId, "session-id", Usual, Usual, true, "Session."},
    {F::ServiceAccountId, "service-account-id", Usual, Usual, true, "Service account."},
    {F::User, "user", Usual, Usual, true, "User id."},
    {F::Email, "email", Usual, Usual, true, "E-mail address of the user's record."},
    {F::ImpersonateSessionId,
     "impersonate-session-id",
     Usual,
     Usual,
     true,
     "Of sessions that impersonate another, which count as nobody's here."},
    {F::ImpersonateUserId, "impersonate-user-id", Usual, Usual, true, "The same."},
    {F::ImpersonateEmail, "impersonate-email", Usual, Usual, true, "The same."},
    {F::ClientCertificate,
     "client-certificate",
     Usual,
     Usual,
     false,
     "Fingerprint, issuer and subject of the client's certificate, and what is against it."},
    {F::RemovedGroupsCount,
     "removed-groups-count",
     Usual,
     Usual,
     false,
     "Groups that `jwt_groups_filter` kept back, if any."},
    {F::EnvoyRouteId, "envoy-route-id", Usual, Usual, false, "Id that every route has."},
    {F::EnvoyRouteChecksum,
     "envoy-route-checksum",
     Usual,
     Usual,
     false,
     "Changes with anything the route says."},
    {F::RouteId, "route-id", Usual, Usual, false, "Id of a stored route."},
    {F::RouteChecksum, "route-checksum", Usual, Usual, false, "As `envoy-route-checksum`."},
    {F::ClusterStatName, "cluster-stat-name", OnDemand, OnDemand, false, "Name of the route."},
    {F::RecordVersions,
     "record-versions",
     OnDemand,
     OnDemand,
     false,
     "Versions of the store and of the records that the decision was made from."},
    {F::Decision, "decision", Always, Usual, false, "`allow` and `deny` with their reasons."},
    {F::UpstreamCluster, "upstream-cluster", Never, Usual, false, "Name and id of the route."},
    {F::UpstreamAddress, "upstream-address", Never, Usual, false, "Address of the application."},
    {F::Outcome, "outcome", Always, Usual, false, "What became of the request."},
    {F::Shadow, "shadow", Always, Never, false, "What a shadow policy would have done."},
    {F::BearerToken,
     "bearer-token",
     Always,
     Never,
     false,
     "Where a bearer token was judged instead of a session: `accepted`, or why not."},
    {F::ResponseCode,
     "response-code",
     Always,
     Usual,
     false,
     "Status; in `authorize check` of requests that are not forwarded."},
    {F::ResponseCodeDetails, "response-code-details", Never, Usual, false, "Why this status."},
    {F::Received, "received", Never, Usual, false, "Bytes of the request's body."},
    {F::Size, "size", Never, Usual, false, "Bytes of the answer's body."},
    {F::Duration, "duration", Never, Usual, false, "Milliseconds to the last byte."},
    {F::AuthorizeDuration, "authorize-duration", Never, Usual, false, "Of them, to decide."},
    {F::UpstreamConnectDuration,
     "upstream-connect-duration",
     Never,
     Usual,
     false,
     "Of them, to connect."},
    {F::UpstreamFirstByteDuration,
     "upstream-first-byte-duration",
     Never,
     Usual,
     false,
     "To the first byte of the answer."},
});

static_assert(kRows.size() == static_cast<std::size_t>(F::UpstreamFirstByteDuration) + 1);

constexpr FieldSet rows_of(RecordKind kind, FieldUse least) {
  FieldSet fields;
  for (const RecordFieldRow& row : kRows) {
    if (row.use(kind) >= least) {
      fields.insert(row.field);
    }
  }
  return fields;
}

constexpr FieldSet on_demand() {
  FieldSet fields;
  for (const RecordFieldRow& row : kRows) {
    if (row.decision == OnDemand || row.access == OnDemand) {
      fields.insert(row.field);
    }
  }
  return fields;
}
static_assert(on_demand() == kFieldsOnDemand);

// What append_subject() says.
constexpr FieldSet kSubject = {F::SessionId,
                               F::ServiceAccountId,
                               F::User,
                               F::Email,
                               F::ClientCertificate,
                               F::RemovedGroupsCount,
                               F::EnvoyRouteId,
                               F::EnvoyRouteChecksum,
                               F::RouteId,
                               F::RouteChecksum,
                               F::ClusterStatName,
                               F::RecordVersions,
                               F::Decision};

}  // namespace

std::span<const RecordFieldRow> record_fields() {
  return kRows;
}

const RecordFieldRow* find_record_field(std::string_view name) {
  const auto* const row = std::ranges::find(kRows, name, &RecordFieldRow::name);
  return row == kRows.end() ? nullptr : row;
}

FieldSet fields_of(RecordKind kind, FieldUse least) {
  return rows_of(kind, least);
}

bool RecordPlans::is_usual() const {
  constexpr FieldSet kDecision = rows_of(RecordKind::Decision, Usual);
  constexpr FieldSet kAccess = rows_of(RecordKind::Access, Usual);
  return decision.shown == kDecision && access.shown == kAccess && hashed == FieldSet();
}

bool RecordPlans::share_subject() const {
  return (decision.shown & kSubject) == (access.shown & kSubject);
}

std::optional<FieldPolicy> RecordPlans::header_policy(std::string_view lower_name) const {
  const auto found = std::ranges::find(header_policies, lower_name, &HeaderPolicy::name);
  return found == header_policies.end() ? std::nullopt : std::optional(found->policy);
}

}  // namespace vallum::telemetry
