#include <array>

#include "config/option.h"
#include "config/reading.h"
#include "config/row_readers.h"
#include "config/rows.h"

// The table of options of a route. Groups follow configuration specification 3.
namespace vallum::config {

namespace {

using enum OptionType;

// Leaving it out changes nothing about who may reach what.
constexpr Option later(std::string_view name, OptionType type, std::string_view documentation) {
  return {.name = name,
          .type = type,
          .fallback = {},
          .documentation = documentation,
          .scope = OptionScope::Route,
          .status = OptionStatus::Later,
          .choices = {}};
}
// Leaving it out would send requests elsewhere, or let in more of them.
constexpr Option closes(std::string_view name, OptionType type, std::string_view documentation) {
  return with_status(OptionStatus::LaterCloses, later(name, type, documentation));
}
constexpr Option removed(std::string_view name, std::string_view replacement) {
  return with_status(OptionStatus::Removed, later(name, Any, replacement));
}
constexpr Option stored(std::string_view name, OptionType type, std::string_view documentation) {
  return with_status(OptionStatus::StoredOnly, later(name, type, documentation));
}
constexpr Option policy_key(std::string_view name,
                            OptionType type,
                            std::string_view documentation,
                            void (*read)(Reading&, const Value&, RouteTarget&)) {
  return {.name = name,
          .type = type,
          .fallback = {},
          .documentation = documentation,
          .scope = OptionScope::Route,
          .choices = {},
          .read_route = read};
}

constexpr auto kBearerFormats =
    std::to_array<std::string_view>({"BEARER_TOKEN_FORMAT_UNKNOWN",
                                     "BEARER_TOKEN_FORMAT_DEFAULT",
                                     "BEARER_TOKEN_FORMAT_IDP_ACCESS_TOKEN",
                                     "BEARER_TOKEN_FORMAT_IDP_IDENTITY_TOKEN",
                                     "BEARER_TOKEN_FORMAT_JWT"});
constexpr auto kBalancing =
    std::to_array<std::string_view>({"LOAD_BALANCING_POLICY_UNSPECIFIED",
                                     "LOAD_BALANCING_POLICY_ROUND_ROBIN",
                                     "LOAD_BALANCING_POLICY_MAGLEV",
                                     "LOAD_BALANCING_POLICY_RANDOM",
                                     "LOAD_BALANCING_POLICY_RING_HASH",
                                     "LOAD_BALANCING_POLICY_LEAST_REQUEST"});

constexpr auto kOptions = std::to_array<Option>({
    // 3.1 Identification.
    route<&RouteSettings::name>("name", "", "Name for people, logs and metrics."),
    route<&RouteSettings::description>("description", "", "Description for people."),
    later("logo_url", Text, "Picture in the list of routes."),
    stored("id", Text, "Id of a stored route."),
    stored("stat_name", Text, "Name of a stored route in metrics."),

    // 3.3 to 3.6 Source, destination, matching.
    policy_key("from",
               Url,
               "URL users know it by: scheme and host, `*` for any run of characters.",
               read_source),
    policy_key("to",
               TextList,
               "URLs of the application, `http` or `https`, each with `,WEIGHT` or none.",
               read_destinations),
    route<&RouteSettings::prefix>("prefix", "", "Paths that begin with this text."),
    route<&RouteSettings::path>("path", "", "Exactly this path; wins over `prefix`."),
    closes("regex", Text, "Paths that match this pattern."),
    later("regex_priority_order", Count, "Order of stored routes."),

    // 3.7 and 3.8 Rewriting.
    closes("prefix_rewrite", Text, "Path sent instead of the prefix."),
    closes("regex_rewrite_pattern", Text, "Pattern replaced in paths."),
    closes("regex_rewrite_substitution", Text, "What replaces it."),
    closes("host_rewrite", Text, "Host sent to the application."),
    closes("host_rewrite_header", Text, "Header that names the host sent."),
    closes("host_path_regex_rewrite_pattern", Text, "Pattern that finds the host in the path."),
    closes("host_path_regex_rewrite_substitution", Text, "What the host becomes."),
    route<&RouteSettings::preserve_host_header>(
        "preserve_host_header", "false", "Send the client's Host to the application."),

    // 3.9 Timeouts and upgrades.
    route<&RouteInputs::timeout, is_maybe_not_negative>(
        "timeout",
        "",
        "For the answer to a complete request. 0: no limit. Absent: "
        "`default_upstream_timeout`, or none with WebSockets."),
    route<&RouteInputs::idp_outage_grace, is_maybe_not_negative>(
        "idp_outage_grace", "", "The same for this route, not longer. Absent: the global option."),
    route<&RouteSettings::idle_timeout, is_maybe_not_negative>(
        "idle_timeout", "", "Without a byte in either direction. 0: no limit."),
    route<&RouteInputs::allow_websockets>("allow_websockets", "false", "Allow WebSockets."),
    route<&RouteSettings::allow_spdy>("allow_spdy", "false", "Allow SPDY upgrades."),
    route<&RouteInputs::allow_upgrades>(
        "allow_upgrades", "", "Protocols a connection may change to. `websocket` is available."),

    // 3.10 TLS to the application.
    route<&RouteSettings::tls_skip_verify>(
        "tls_skip_verify", "false", "Accept any certificate of the application."),
    route<&RouteInputs::tls_upstream_server_name, is_server_name>(
        "tls_upstream_server_name", "", "Name expected in the application's certificate."),
    route<&RouteInputs::tls_server_name, is_server_name>(
        "tls_server_name", "", "The same under its older name."),
    later("tls_downstream_server_name", Text, "Older way to add a host."),
    route<&RouteInputs::tls_custom_ca>(
        "tls_custom_ca", "", "Trusted instead of the system's, base64 of PEM."),
    as_file(route<&RouteInputs::tls_custom_ca_file>(
        "tls_custom_ca_file", "", "The same as a file; wins over the option.")),
    closes("tls_client_cert", Text, "Certificate shown to the application, base64 of PEM."),
    closes("tls_client_key", OptionType::Secret, "Its key."),
    closes("tls_client_cert_file", File, "Certificate shown to the application."),
    closes("tls_client_key_file", File, "Its key."),
    later("tls_upstream_allow_renegotiation", Bool, "TLS 1.2 renegotiation by the application."),
    route<&RouteInputs::tls_downstream_client_ca>(
        "tls_downstream_client_ca",
        "",
        "Authorities that vouch for clients here instead of `downstream_mtls.ca`, base64 of PEM."),
    as_file(route<&RouteInputs::tls_downstream_client_ca_file>(
        "tls_downstream_client_ca_file", "", "The same as a file; wins over the option.")),

    // 3.11 Headers.
    route<&RouteInputs::set_request_headers>(
        "set_request_headers",
        "",
        "Headers sent to the application. References: `${pomerium.access_token}`, "
        "`${pomerium.id_token}`, `${pomerium.jwt}`, `${pomerium.client_cert_fingerprint}`, "
        "`${pomerium.client_cert_san_dns}`, `${pomerium.client_cert_san_email}`, "
        "`${pomerium.request.headers[\"Name\"]}`; `$$` is a dollar sign."),
    route<&RouteSettings::remove_request_headers, are_tokens>(
        "remove_request_headers", "", "Headers not sent to the application."),
    route<&RouteInputs::pass_identity_headers>(
        "pass_identity_headers", "", "Send identity headers. Absent: the global option."),
    route<&RouteInputs::set_response_headers>(
        "set_response_headers", "", "Headers of answers, besides the global ones."),
    later("rewrite_response_headers", Any, "Prefixes replaced in headers of answers."),
    route<&RouteInputs::groups_filter>(
        "jwt_groups_filter", "", "More of them: a group is told when either option lists it."),
    route<&RouteInputs::issuer_format>(
        "jwt_issuer_format", "", "As the global option, which it overrides."),
    route<&RouteSettings::assertion_reuse>(
        "jwt_assertion", "cached", "`cached`, or `per_request` to sign each assertion anew."),

    // 3.12 Upstream choice.
    {.name = "load_balancing_policy",
     .type = Choice,
     .fallback = {},
     .documentation = "How a destination is chosen; not built. `ring_hash` and `maglev` send "
                      "`X-Pomerium-Routing-Key`.",
     .scope = OptionScope::Route,
     .choices = kBalancing,
     .read_route = read_balancing},
    later("health_checks", Any, "Probes of destinations."),
    later("outlier_detection", Any, "Leaving out failing destinations."),
    later("healthy_panic_threshold", Count, "Share below which all destinations are used."),
    later("circuit_breaker_thresholds", Block, "Limits of the upstream."),
    later("circuit_breaker_thresholds.max_connections", Count, "Connections."),
    later("circuit_breaker_thresholds.max_pending_requests", Count, "Waiting requests."),
    later("circuit_breaker_thresholds.max_requests", Count, "Requests."),
    later("circuit_breaker_thresholds.max_retries", Count, "Retries."),
    later("circuit_breaker_thresholds.max_connection_pools", Count, "Pools."),

    // 3.13 Authorization.
    policy_key("policy", Any, "Rules: see the policy language.", read_policy_node),
    policy_key("allowed_users", TextList, "User ids or e-mail addresses.", read_policy_list),
    policy_key("allowed_domains", TextList, "Domains of e-mail addresses.", read_policy_list),
    policy_key("allowed_idp_claims", Any, "Claims and their values.", read_policy_node),
    policy_key("allow_public_unauthenticated_access", Bool, "Everybody.", read_policy_flag),
    policy_key("allow_any_authenticated_user", Bool, "Everybody who signed in.", read_policy_flag),
    policy_key("cors_allow_preflight", Bool, "CORS preflights of anybody.", read_policy_flag),
    policy_key("sub_policies", Any, "Further policies.", read_policy_node),
    policy_key("shadow_policy",
               Any,
               "Rules that are tried beside the route's own: what they would do is recorded, and "
               "has no effect.",
               keep_shadow_policy),
    policy_key("tests",
               Any,
               "Requests with the answer they must get. One that gets another refuses the "
               "configuration.",
               keep_policy_tests),
    route<&RouteInputs::policy_quirks>(
        "policy_quirks",
        "required",
        "`required`, or `reference`: then `device: {}` holds without a device, and several "
        "conditions on one kind of certificate name may be met by different names."),
    route<&RouteInputs::show_error_details>(
        "show_error_details",
        "false",
        "Tell whoever is denied which policy did it, and what it compared. Not the values."),

    // 3.14 Identity provider.
    closes("idp_client_id", Text, "Client id of this route."),
    closes("idp_client_secret", OptionType::Secret, "Client secret of this route."),
    route<&RouteInputs::access_token_audiences>(
        "idp_access_token_allowed_audiences", "", "As the global option, which it overrides."),
    as_choice(kBearerFormats,
              route<&RouteInputs::bearer_token_format>(
                  "bearer_token_format", "", "As the global option, which it overrides.")),
    route<&RouteInputs::issuer_names>(
        "identity_providers",
        "",
        "Names of the `identity_providers` whose tokens are taken here. Absent: all."),
    later("depends_on", TextList, "Hosts to sign in to together with this one."),

    // 3.15 and 3.16 Redirect, direct response.
    closes("redirect", Block, "Answer with a redirect."),
    later("redirect.https_redirect", Bool, "To https."),
    later("redirect.scheme_redirect", Text, "To this scheme."),
    later("redirect.host_redirect", Text, "To this host."),
    later("redirect.port_redirect", Count, "To this port."),
    later("redirect.path_redirect", Text, "To this path."),
    later("redirect.prefix_rewrite", Text, "With this prefix."),
    later("redirect.response_code", Count, "Status."),
    later("redirect.strip_query", Bool, "Without the query."),
    closes("response", Block, "Answer with a fixed text."),
    later("response.status", Count, "Status."),
    later("response.body", Text, "Text."),

    // 3.17 to 3.19 Kubernetes, MCP, SSH.
    route<&RouteInputs::kubernetes_token>(
        "kubernetes_service_account_token",
        "",
        "Token of a service account of the Kubernetes API behind the route. Requests carry it "
        "and impersonate the user."),
    as_file(route<&RouteSettings::kubernetes_token_file>(
        "kubernetes_service_account_token_file",
        "",
        "The same as a file, instead of the option. Looked at every 10 seconds.")),
    route<&RouteInputs::google_serverless>(
        "enable_google_cloud_serverless_authentication",
        "false",
        "Send a Google ID token in `X-Serverless-Authorization`."),
    closes("mcp", Block, "Model context protocol."),
    later("mcp.server", Any, "The application is a server."),
    later("mcp.client", Any, "The application is a client."),
    closes("upstream_tunnel", Block, "Reverse tunnel."),
    later("upstream_tunnel.ssh_policy", Any, "Who may open it."),
    later("upstream_tunnel.ssh_policy_rego", Any, "Who may open it."),
    later("session_recording", Block, "Recording of SSH sessions."),
    later("session_recording.enabled", Bool, "Record."),

    // 1.7 Removed.
    removed("allowed_groups", "use the groups criterion of policy"),
    removed("set_authorization_header", "use set_request_headers"),
});

}  // namespace

std::span<const Option> route_options() {
  return kOptions;
}

}  // namespace vallum::config
