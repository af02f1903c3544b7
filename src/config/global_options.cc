#include <array>

#include "config/option.h"
#include "config/reading.h"
#include "config/row_readers.h"
#include "config/rows.h"

// The table of options of the process. Groups follow configuration specification 2.
namespace vallum::config {

namespace {

using enum OptionType;

constexpr Option later(std::string_view name, OptionType type, std::string_view documentation) {
  return {.name = name,
          .type = type,
          .fallback = {},
          .documentation = documentation,
          .scope = OptionScope::Global,
          .status = OptionStatus::Later,
          .choices = {}};
}
constexpr Option removed(std::string_view name, std::string_view replacement) {
  return with_status(OptionStatus::Removed, later(name, Any, replacement));
}
constexpr Option stored(std::string_view name, OptionType type, std::string_view documentation) {
  return with_status(OptionStatus::StoredOnly, later(name, type, documentation));
}

constexpr auto kGrpcAddress = [](Settings& s) -> auto& { return s.ext_authz.grpc_address; };
constexpr auto kGrpcInsecure = [](Settings& s) -> auto& { return s.ext_authz.grpc_insecure; };
constexpr auto kCheckTimeout = [](Settings& s) -> auto& { return s.ext_authz.check_timeout; };
constexpr auto kForwardAuthAddress = [](Settings& s) -> auto& {
  return s.ext_authz.forward_auth_address;
};
constexpr auto kForwardAuthInsecure = [](Settings& s) -> auto& {
  return s.ext_authz.forward_auth_insecure;
};

constexpr auto kCodecTypes = std::to_array<std::string_view>(
    {"CODEC_TYPE_AUTO", "CODEC_TYPE_HTTP1", "CODEC_TYPE_HTTP2", "CODEC_TYPE_HTTP3"});
constexpr auto kBearerFormats =
    std::to_array<std::string_view>({"BEARER_TOKEN_FORMAT_UNKNOWN",
                                     "BEARER_TOKEN_FORMAT_DEFAULT",
                                     "BEARER_TOKEN_FORMAT_IDP_ACCESS_TOKEN",
                                     "BEARER_TOKEN_FORMAT_IDP_IDENTITY_TOKEN",
                                     "BEARER_TOKEN_FORMAT_JWT"});
constexpr auto kEnforcements = std::to_array<std::string_view>(
    {"UNKNOWN", "POLICY", "POLICY_WITH_DEFAULT_DENY", "REJECT_CONNECTION"});

constexpr auto kOptions = std::to_array<Option>({
    // 2.1 Process, services, addresses.
    at_boot(global<&GlobalInputs::services>(
        "services",
        "all",
        "Services of this process: `all`, or some of `proxy`, `authenticate`, `authorize` and "
        "`databroker`, see `docs/split_services.md`. `authorize` decides for other proxies and "
        "forwards nothing; without a `databroker_service_url` it brings `authenticate` and "
        "`databroker` along.")),
    {.name = "address",
     .type = Address,
     .fallback = ":443",
     .documentation = "Where browsers connect (TLS). Without a port: 443.",
     .choices = {},
     .read_global = read_public_address},
    global<&Settings::http_redirect_addr>(
        "http_redirect_addr", "", "Listener that redirects http to https. Absent: none."),
    global<&Settings::metrics_address, has_port_if_any>(
        "metrics_address", "", "Listener for metrics. Absent or empty: none."),
    at_boot(global<&Settings::health_check_addr, has_port>(
        "health_check_addr", "127.0.0.1:28080", "Listener for health and status.")),
    later("installation_id", Text, "Identifier for metric labels."),
    later("insecure_server", Bool, "Speak clear text behind a TLS terminator."),
    at_boot(global<kGrpcAddress, has_port_if_any>(
        "grpc_address",
        "",
        "Listener of the databroker's service where this process keeps records, see "
        "`docs/databroker.md`, and of Envoy's ext_authz service where `ext_authz_peers` says who "
        "may ask, see `docs/ext_authz.md`. Absent: none, but `:443` with `services: databroker`.")),
    at_boot(global<kGrpcInsecure>(
        "grpc_insecure", "false", "Clear text on `grpc_address`, which must be loopback then.")),
    global<kCheckTimeout, is_positive>(
        "grpc_client_timeout",
        "10s",
        "To answer a question of another proxy. Beyond: it is told to refuse with 503."),
    at_boot(global<kForwardAuthAddress, has_port_if_any>(
        "forward_auth_address",
        "",
        "Listener for nginx, Traefik and Caddy, see `docs/ext_authz.md`. Absent: none.")),
    at_boot(global<kForwardAuthInsecure>(
        "forward_auth_insecure",
        "false",
        "Clear text on `forward_auth_address`, which must be loopback then.")),
    global<&GlobalInputs::ext_authz_peers>(
        "ext_authz_peers",
        "",
        "Addresses and prefixes of the proxies that may ask on `grpc_address` and "
        "`forward_auth_address`. What they say about their clients is believed."),
    global<&GlobalInputs::ext_authz_client_ca>(
        "ext_authz_client_ca",
        "",
        "Authorities, base64 of PEM, of which those proxies must show a certificate."),
    as_file(global<&GlobalInputs::ext_authz_client_ca_file>(
        "ext_authz_client_ca_file", "", "The same as a file; both count.")),
    global<&GlobalInputs::databroker_client_ca>(
        "databroker_client_ca",
        "",
        "Authorities, base64 of PEM, of which callers of the databroker must show a certificate."),
    as_file(global<&GlobalInputs::databroker_client_ca_file>(
        "databroker_client_ca_file", "", "The same as a file; both count.")),
    later("debug_address", Address, "Debug listener."),
    later("health_check_systemd_disabled", Bool, "No notification of systemd."),
    later("use_proxy_protocol", Bool, "Require a PROXY protocol header."),
    as_choice(kCodecTypes, later("codec_type", Choice, "HTTP versions offered to clients.")),
    stored("http3_advertise_port", Count, "Port in the alt-svc header."),
    later("envoy_admin_address", Address, "There is no second data plane to administer."),
    later("envoy_admin_access_log_path", File, "There is no second data plane to administer."),
    later("envoy_admin_profile_path", File, "There is no second data plane to administer."),
    later("envoy_bind_config_source_address", Text, "Source address of upstream connections."),
    later("envoy_bind_config_freebind", Bool, "IP_FREEBIND for that address."),
    later("envoy_dynamic_extensions", TextList, "There is no second data plane to extend."),
    global<&GlobalInputs::override_certificate_name>(
        "override_certificate_name",
        "",
        "Name that the databroker's certificate must have. Absent: the host of its URL."),
    global<&Settings::tls_derive>(
        "tls_derive",
        "",
        "Name for which the databroker derives a certificate from the shared secret, and with it "
        "all nodes an authority they trust and certificates they show. Absent: nothing is "
        "derived."),

    // 2.2 Logs.
    global<&Settings::log_level>(
        "log_level", "info", "Least severe diagnostics to write; lower case."),
    later("proxy_log_level", Text, "Diagnostics have one level: `log_level`."),
    global<&GlobalInputs::access_log_fields>(
        "access_log_fields", "", "Fields of the `http-request` record. Absent: the usual ones."),
    global<&GlobalInputs::authorize_log_fields>(
        "authorize_log_fields",
        "",
        "Fields of the `authorize check` record, beside those that are always there. Absent: the "
        "usual ones."),
    global<&GlobalInputs::log_field_policies>(
        "log_field_policies",
        "",
        "What becomes of fields of both records that tell of people: a mapping of fields to "
        "`keep`, `hash` or `drop`."),

    global<&GlobalInputs::policy_records>(
        "policy_records",
        "",
        "Records that `record` criteria may ask about: a mapping of their types to `user.id` or "
        "`user.email`, whichever is the id of a user's own record."),

    // 2.3 Certificates.
    global<&GlobalInputs::certificate>(
        "certificate", "", "Certificate chain, base64 of PEM, leaf first. With `certificate_key`."),
    global<&GlobalInputs::certificate_key>("certificate_key", "", "Its key, base64 of PEM."),
    as_file(global<&GlobalInputs::certificate_file>(
        "certificate_file", "", "Certificate chain, PEM. With `certificate_key_file`.")),
    as_file(
        global<&GlobalInputs::certificate_key_file>("certificate_key_file", "", "Its key, PEM.")),
    {.name = "certificates",
     .type = Any,
     .fallback = {},
     .documentation = "More certificates: a list of `{cert: FILE, key: FILE}`. The first of all "
                      "answers unknown names.",
     .choices = {},
     .read_global = read_certificates},
    global<&GlobalInputs::certificate_authority>(
        "certificate_authority",
        "",
        "Trusted for outgoing TLS besides the system's, base64 of PEM."),
    as_file(global<&GlobalInputs::certificate_authority_file>(
        "certificate_authority_file", "", "The same as a file; both count.")),

    // 2.4 Automatic certificates.
    later("autocert", Bool, "Obtain certificates by ACME."),
    later("autocert_ca", Url, "ACME directory."),
    later("autocert_use_staging", Bool, "ACME staging directory."),
    later("autocert_email", Text, "ACME account contact."),
    later("autocert_eab_key_id", Text, "ACME external account."),
    later("autocert_eab_mac_key", OptionType::Secret, "ACME external account."),
    later("autocert_must_staple", Bool, "Ask for must-staple certificates."),
    later("autocert_dir", Text, "Where ACME certificates are kept."),
    later("autocert_trusted_ca", Text, "Trust root of the ACME server."),
    later("autocert_trusted_ca_file", File, "The same as a file."),

    // 2.5 Sign-in.
    global<&Settings::authenticate_service_url>(
        "authenticate_service_url",
        "",
        "URL of the sign-in host. Without it, or with the hosted service, nobody can sign in."),
    later("authenticate_internal_service_url", Url, "Internal URL of the sign-in host."),
    global<&Settings::signout_redirect_url>(
        "signout_redirect_url", "", "Where a browser goes after signing out."),
    later("authorize_service_url", Url, "Authorization happens in this process."),
    later("authorize_service_urls", TextList, "Authorization happens in this process."),
    later("authorize_internal_service_url", Url, "Authorization happens in this process."),
    global<&Settings::programmatic_redirect_domain_whitelist>(
        "programmatic_redirect_domain_whitelist",
        "localhost",
        "Hosts that programmatic sign-in may return to. `localhost` also means loopback "
        "addresses."),
    global<[](Settings& s) -> auto& { return s.provider.type; }>(
        "idp_provider", "", "Type of the identity provider. `oidc` is available."),
    {.name = "idp_provider_url",
     .type = Url,
     .fallback = "",
     .documentation = "Issuer of the identity provider, to the letter as it names itself.",
     .choices = {},
     .read_global = read_provider_url},
    global<[](Settings& s) -> auto& { return s.provider.client_id; }>(
        "idp_client_id", "", "Client id at the identity provider."),
    global<[](Settings& s) -> auto& { return s.provider.client_secret; }>(
        "idp_client_secret", "", "Client secret at the identity provider."),
    as_file(global<&GlobalInputs::idp_client_secret_file>(
        "idp_client_secret_file", "", "The same as a file; wins over the option.")),
    global<[](Settings& s) -> auto& { return s.provider.scopes; }>(
        "idp_scopes", "", "Scopes to ask for. Absent: openid, profile, email, offline_access."),
    global<[](Settings& s) -> auto& { return s.provider.request_params; }>(
        "idp_request_params", "", "More parameters of the authorization request."),
    global<[](Settings& s) -> auto& { return s.provider.groups_claim; }>(
        "idp_groups_claim",
        "",
        "Claim whose values become the user's groups at sign-in. Absent: none."),
    global<&Settings::access_token_audiences>(
        "idp_access_token_allowed_audiences",
        "",
        "Audiences of which an access token must have one, where `bearer_token_format` is "
        "`idp_access_token`. Absent: it must have been issued to `idp_client_id`."),
    global<[](Settings& s) -> auto& { return s.provider.outage_grace; }, is_not_negative>(
        "idp_outage_grace",
        "1h",
        "How long a session is used whose access token has ended and cannot be renewed because the "
        "identity provider is in trouble. After that: a new sign-in."),
    global<[](Settings& s) -> auto& { return s.provider.backchannel_logout; }>(
        "idp_backchannel_logout",
        "false",
        "Take logout tokens of the identity provider at `/.pomerium/backchannel_logout` of the "
        "authenticate host."),
    global<[](Settings& s) -> auto& { return s.provider.frontchannel_logout; }>(
        "idp_frontchannel_logout",
        "false",
        "Sign out when the identity provider shows `/.pomerium/frontchannel_logout` of the "
        "authenticate host in a frame."),
    as_choice(kBearerFormats,
              global<&Settings::bearer_token_format>(
                  "bearer_token_format",
                  "default",
                  "What `Authorization: Bearer` of a request is, see `docs/bearer_tokens.md`: the "
                  "application's (`default`), a token of the identity provider, or a token of one "
                  "of `identity_providers` (`jwt`).")),
    {.name = "identity_providers",
     .type = Any,
     .fallback = {},
     .documentation = "Issuers of tokens for `bearer_token_format: jwt`: a mapping of names to "
                      "`{issuer, jwks_url, supported_algs, audiences}`.",
     .choices = {},
     .read_global = read_token_issuers},

    // 2.6 Secrets, cookies, identity headers.
    global<&GlobalInputs::shared_secret>("shared_secret",
                                         "",
                                         "Base64 of 32 bytes, or a list of such: the first makes "
                                         "what is new, all verify (docs/keys.md). "
                                         "Absent: one is made in the state directory."),
    as_file(global<&GlobalInputs::shared_secret_file>(
        "shared_secret_file", "", "The same as a file, one on each line; wins over the option.")),
    global<[](Settings& s) -> auto& { return s.cookie.name; }, is_cookie_name>(
        "cookie_name", "_pomerium", "Name of the session cookie."),
    global<&GlobalInputs::cookie_secret>("cookie_secret",
                                         "",
                                         "Base64 of 32 bytes, or a list of such, like "
                                         "`shared_secret`. Absent: one is made in the state "
                                         "directory."),
    as_file(global<&GlobalInputs::cookie_secret_file>(
        "cookie_secret_file", "", "The same as a file, one on each line; wins over the option.")),
    global<[](Settings& s) -> auto& { return s.cookie.domain; }, is_cookie_domain>(
        "cookie_domain", "", "Domain of the session cookie. Absent: each host its own."),
    global<[](Settings& s) -> auto& { return s.cookie.http_only; }>(
        "cookie_http_only", "true", "Hide the session cookie from scripts."),
    global<[](Settings& s) -> auto& { return s.cookie.expire; }, is_positive>(
        "cookie_expire", "14h", "Life of a session."),
    global<[](Settings& s) -> auto& { return s.cookie.same_site; }>(
        "cookie_same_site", "", "`strict`, `lax` or `none`, in any case. Absent: not sent."),
    global<&GlobalInputs::signing_key>(
        "signing_key",
        "",
        "Keys of the identity assertion, PEM or base64 of PEM; the first signs. Absent: derived "
        "from the shared secret."),
    as_file(global<&GlobalInputs::signing_key_file>(
        "signing_key_file", "", "The same as a file; wins over the option.")),
    global<&Settings::claim_headers>(
        "jwt_claims_headers",
        "",
        "Claims sent to applications in headers: a mapping of headers to claims, or a list of "
        "claims."),
    global<[](Settings& s) -> auto& { return s.assertion.groups_filter; }>(
        "jwt_groups_filter",
        "",
        "Ids of the directory's groups that applications are told of. Absent: all."),
    global<[](Settings& s) -> auto& { return s.assertion.issuer_format; }>(
        "jwt_issuer_format", "IssuerHostOnly", "`IssuerHostOnly` or `IssuerURI`."),
    global<&Settings::pass_identity_headers>(
        "pass_identity_headers", "false", "Send identity headers to applications."),
    at_boot(global<&Settings::google_service_account>(
        "google_cloud_serverless_authentication_service_account",
        "",
        "Key of the service account that Google's serverless applications are asked as, JSON or "
        "base64 of it. Absent: the metadata server of the machine is asked for tokens.")),

    // 2.7 Response headers.
    global<&GlobalInputs::set_response_headers>(
        "set_response_headers",
        "",
        "Headers of every answer. Replaces the default security headers; `disable` sends none."),

    // 2.8 Timeouts, and limits that are options of ours.
    global<&Settings::timeout_read, is_not_negative>(
        "timeout_read", "30s", "To receive a complete request. 0: no limit."),
    global<&Settings::timeout_write, is_not_negative>(
        "timeout_write",
        "0s",
        "From the start of a request to the end of its answer. 0: no limit."),
    global<&Settings::timeout_idle, is_not_negative>(
        "timeout_idle", "5m", "Of a connection without a request. 0: no limit."),
    global<&Settings::default_upstream_timeout, is_not_negative>(
        "default_upstream_timeout", "30s", "`timeout` of routes that set none. 0: no limit."),
    global<[](Settings& s) -> auto& { return s.limits.connections_max; }, is_count>(
        "limit_connections", "50000", "Connections of all listeners. Beyond: closed at once."),
    global<[](Settings& s) -> auto& { return s.limits.request_line_bytes_max; }, is_count>(
        "limit_request_line_bytes", "32768", "Request line. Beyond: 414."),
    global<[](Settings& s) -> auto& { return s.limits.request_header_bytes_max; }, is_count>(
        "limit_request_header_bytes", "131072", "Request line and headers. Beyond: 431."),
    global<[](Settings& s) -> auto& { return s.limits.request_headers_max; }, is_count>(
        "limit_request_headers", "1000", "Headers of a request. Beyond: 431."),
    global<[](Settings& s) -> auto& { return s.limits.header_timeout; }, is_positive>(
        "limit_header_time", "15s", "To receive the headers of a request. Beyond: 408."),
    global<[](Settings& s) -> auto& { return s.limits.tls_handshake_timeout; }, is_positive>(
        "limit_tls_handshake_time", "15s", "For a TLS handshake. Beyond: closed."),
    global<[](Settings& s) -> auto& { return s.limits.connect_timeout; }, is_positive>(
        "limit_connect_time", "10s", "To connect to an upstream. Beyond: 503."),
    global<[](Settings& s) -> auto& { return s.limits.stream_idle_timeout; }, is_not_negative>(
        "limit_stream_idle_time",
        "5m",
        "Without a byte in an exchange whose route sets no `idle_timeout`. 0: no limit."),
    at_boot(
        global<[](Settings& s) -> auto& { return s.limits.cached_sessions_max; }, is_cache_size>(
            "limit_cached_sessions",
            "20000",
            "Sessions, with their users, that each core holds ready; about 1.1 KiB each "
            "(docs/scaling.md). Beyond: one that was not asked for lately is read from the "
            "databroker when it is asked for again.")),

    // 2.9 Records.
    global<&GlobalInputs::storage_type>(
        "databroker_storage_type",
        "file",
        "Where records are kept: `file`, `memory` or `postgres` (docs/postgresql.md)."),
    global<&GlobalInputs::storage_location>("databroker_storage_connection_string",
                                            "",
                                            "For `file`: `file://DIR` or a path; `vallum.db` is "
                                            "kept there. Absent: the state directory. For "
                                            "`postgres`: libpq's URL or keywords; another machine "
                                            "needs `sslmode=verify-full`."),
    as_file(global<&GlobalInputs::storage_location_file>(
        "databroker_storage_connection_string_file", "", "The same as a file; wins.")),
    at_boot(global<&GlobalInputs::encryption_keys>(
        "databroker_encryption_keys",
        "",
        "Keys that wrap the data keys of stored records, a list: the first wraps, all unwrap. Each "
        "is "
        "base64 of 32 bytes, `file:PATH` or `env:NAME` (docs/keys.md). Absent: derived from "
        "`shared_secret`.")),
    global<&GlobalInputs::databroker_url>(
        "databroker_service_url",
        "",
        "URL of the databroker that a process without one asks: `https`, or `http` on a loopback "
        "address. Absent: `http://127.0.0.1:5443`."),
    global<&GlobalInputs::databroker_urls>(
        "databroker_service_urls",
        "",
        "URLs of databrokers on one database; each call goes to the next that answers."),
    global<&GlobalInputs::databroker_internal_url>(
        "databroker_internal_service_url", "", "Wins over the other two."),
    as_file(global<&GlobalInputs::databroker_certificate_file>(
        "databroker_certificate_file",
        "",
        "Certificate shown to the databroker, PEM. With `databroker_certificate_key_file`. "
        "Absent: the derived one of `tls_derive`, or none.")),
    as_file(global<&GlobalInputs::databroker_certificate_key_file>(
        "databroker_certificate_key_file", "", "Its key, PEM.")),
    at_boot(global<&Settings::max_staleness, is_positive>(
        "max_staleness",
        "5m",
        "How long sessions are decided by what this process holds while it cannot follow what "
        "other processes change. After that: 503.")),
    later("databroker_cluster_nodes", Any, "Nodes that hold records."),
    later("databroker_cluster_node_id", Text, "This node."),
    later("databroker_cluster_leader_id", Text, "The leading node."),
    later("databroker_raft_bind_address", Address, "Listener of leader election."),

    // 2.10 Client certificates.
    {.name = "downstream_mtls",
     .type = Block,
     .fallback = {},
     .documentation = "Client certificates: see `docs/client_certificates.md`. Without an "
                      "authority here or at a route the block has no effect.",
     .choices = {},
     .read_global = read_block},
    global<&GlobalInputs::client_ca>("downstream_mtls.ca",
                                     "",
                                     "Authorities that vouch for clients, base64 of PEM. They need "
                                     "not be roots."),
    as_file(global<&GlobalInputs::client_ca_file>(
        "downstream_mtls.ca_file", "", "The same as a file; not both.")),
    global<&GlobalInputs::client_crl>(
        "downstream_mtls.crl",
        "",
        "Revocation lists, base64 of PEM. One that is out of date refuses everybody below its "
        "issuer."),
    as_file(global<&GlobalInputs::client_crl_file>(
        "downstream_mtls.crl_file", "", "The same as a file; not both.")),
    as_choice(kEnforcements,
              global<[](Settings& s) -> auto& { return s.client_certificates.enforcement; }>(
                  "downstream_mtls.enforcement",
                  "policy_with_default_deny",
                  "What a missing or refused certificate means: 495 on every route, what the "
                  "route's policy says, or no connection.")),
    {.name = "downstream_mtls.match_subject_alt_names",
     .type = Any,
     .fallback = {},
     .documentation = "Names of which a certificate needs one: a list of `{TYPE: PATTERN}` with "
                      "`dns`, `email`, `ip_address`, `uri` or `user_principal_name`. An RE2 "
                      "pattern describes the whole name.",
     .choices = {},
     .read_global = read_client_names},
    global<&GlobalInputs::client_verify_depth>(
        "downstream_mtls.max_verify_depth",
        "1",
        "Certificates above a client's, the authority's included. 0: no limit of its own."),

    // 2.11 SSH, MCP, recording.
    later("ssh_address", Text, "SSH listener."),
    later("ssh_host_key_files", TextList, "Host keys."),
    later("ssh_host_keys", TextList, "Host keys."),
    later("ssh_user_ca_key_file", File, "Key that signs user certificates."),
    later("ssh_user_ca_key", OptionType::Secret, "Key that signs user certificates."),
    later("ssh_rls_enabled", Bool, "Limit the rate of SSH connections."),
    later("ssh_rls_additional_entries", Any, "Entries of that limit."),
    later("mcp_allowed_client_id_domains", TextList, "Sources of MCP client metadata."),
    later("mcp_allowed_as_metadata_domains", TextList, "Sources of MCP server metadata."),
    later("session_recording_concurrency", Count, "Uploads of recordings at once."),
    later("blob_storage", Block, "Storage of recordings."),
    later("blob_storage.bucket_uri", Text, "Bucket."),
    later("blob_storage.managed_prefix", Text, "Prefix of keys."),
    stored("auto_apply_changesets", Bool, "Of the managed service."),

    // 2.12 DNS.
    later("dns_lookup_family", Text, "Address families of upstream names."),
    later("dns_refresh_rate", OptionType::Duration, "Time between look-ups."),
    later("dns_failure_refresh_rate", OptionType::Duration, "The same after a failure."),
    later("dns_query_timeout", OptionType::Duration, "Limit of a query."),
    later("dns_query_tries", Count, "Tries of a query."),
    later("dns_udp_max_queries", Count, "Queries of a socket."),
    later("dns_use_tcp", Bool, "Ask over TCP."),
    later("dns_resolvers", TextList, "Servers to ask."),

    // 2.13 Metrics.
    later("metrics_basic_auth", OptionType::Secret, "User and password, base64."),
    later("metrics_certificate", Text, "Certificate of the listener, base64 of PEM."),
    later("metrics_certificate_key", OptionType::Secret, "Its key."),
    later("metrics_certificate_file", File, "Certificate of the listener."),
    later("metrics_certificate_key_file", File, "Its key."),
    later("metrics_client_ca", Text, "Client certificate authority, base64 of PEM."),
    later("metrics_client_ca_file", File, "The same as a file."),

    // 2.14 Tracing.
    later("otel_traces_exporter", Text, "Exporter of traces."),
    later("otel_traces_sampler_arg", Number, "Share of requests traced."),
    later("otel_resource_attributes", TextList, "Attributes of the process."),
    later("otel_log_level", Text, "Level of the exporter's log."),
    later("otel_attribute_value_length_limit", Count, "Longest attribute."),
    later("otel_exporter_otlp_endpoint", Url, "Where traces go."),
    later("otel_exporter_otlp_traces_endpoint", Url, "Where traces go."),
    later("otel_exporter_otlp_protocol", Text, "How they go."),
    later("otel_exporter_otlp_traces_protocol", Text, "How they go."),
    later("otel_exporter_otlp_headers", TextList, "Headers of the export."),
    later("otel_exporter_otlp_traces_headers", TextList, "Headers of the export."),
    later("otel_exporter_otlp_timeout", Milliseconds, "Limit of an export."),
    later("otel_exporter_otlp_traces_timeout", Milliseconds, "Limit of an export."),
    later("otel_bsp_schedule_delay", Milliseconds, "Time between exports."),
    later("otel_bsp_max_export_batch_size", Count, "Spans of an export."),

    // 2.15 and 2.16 Client address, normalisation.
    global<&Settings::skip_xff_append>(
        "skip_xff_append", "false", "Leave X-Forwarded-For as the client sent it."),
    global<&Settings::xff_num_trusted_hops>(
        "xff_num_trusted_hops", "0", "Trusted proxies in front of this one."),
    global<[](Settings& s) -> auto& { return s.normalize.normalize_path; }>(
        "normalize_path", "true", "Remove dot segments and needless escapes of paths."),
    global<[](Settings& s) -> auto& { return s.normalize.merge_slashes; }>(
        "merge_slashes", "true", "Take several slashes for one."),
    global<[](Settings& s) -> auto& { return s.normalize.escaped_slashes; }>(
        "path_with_escaped_slashes_action",
        "reject_request",
        "`keep_unchanged`, `reject_request`, `unescape_and_redirect` or `unescape_and_forward`."),
    global<&Settings::underscore_names>("headers_with_underscores_action",
                                        "reject_request",
                                        "`allow`, `reject_request` or `drop_header`."),
    global<&GlobalInputs::allow_upgrades>(
        "allow_upgrades", "", "`allow_upgrades` of routes that set none."),

    // 2.17 Circuit breakers.
    later("circuit_breaker_thresholds", Block, "Limits of each upstream."),
    later("circuit_breaker_thresholds.max_connections", Count, "Connections."),
    later("circuit_breaker_thresholds.max_pending_requests", Count, "Waiting requests."),
    later("circuit_breaker_thresholds.max_requests", Count, "Requests."),
    later("circuit_breaker_thresholds.max_retries", Count, "Retries."),
    later("circuit_breaker_thresholds.max_connection_pools", Count, "Pools."),

    // 2.18 and 2.19 Branding, flags.
    stored("primary_color", Text, "Branding."),
    stored("secondary_color", Text, "Branding."),
    stored("darkmode_primary_color", Text, "Branding."),
    stored("darkmode_secondary_color", Text, "Branding."),
    stored("logo_url", Text, "Branding."),
    stored("favicon_url", Text, "Branding."),
    stored("error_message_first_paragraph", Text, "Branding."),
    global<&Settings::flags>(
        "runtime_flags", "", "Switches by name; those not named keep their default."),

    // 3 Routes.
    {.name = "routes",
     .type = Any,
     .fallback = {},
     .documentation = "What is protected: a list of routes. The first that matches wins.",
     .choices = {},
     .read_global = read_routes<&GlobalInputs::routes>},
    {.name = "policy",
     .type = Any,
     .fallback = {},
     .documentation = "The same under its older name; these come before `routes`.",
     .choices = {},
     .read_global = read_routes<&GlobalInputs::policy>},

    // 1.7 Removed.
    removed("policy_file", "write the routes under routes"),
    removed("client_ca", "use downstream_mtls.ca"),
    removed("client_ca_file", "use downstream_mtls.ca_file"),
    removed("idp_service_account", "directory records come from outside"),
    removed("idp_refresh_directory_timeout", "directory records come from outside"),
    removed("idp_refresh_directory_interval", "directory records come from outside"),
    removed("idp_qps", "directory records come from outside"),
    removed("tracing_provider", "use the otel_ options"),
    removed("tracing_sample_rate", "use the otel_ options"),
    removed("tracing_datadog_address", "use the otel_ options"),
    removed("tracing_jaeger_collector_endpoint", "use the otel_ options"),
    removed("tracing_jaeger_agent_endpoint", "use the otel_ options"),
    removed("tracing_zipkin_endpoint", "use the otel_ options"),
});

}  // namespace

std::span<const Option> global_options() {
  return kOptions;
}

}  // namespace vallum::config
