#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/snapshot.h"
#include "base/ip_address.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "codec/cookie.h"
#include "config/diagnostic.h"
#include "config/route_settings.h"
#include "http/syntax/head.h"
#include "http/syntax/normalize.h"
#include "http/syntax/uri.h"
#include "policy/record_source.h"
#include "telemetry/log.h"
#include "telemetry/record_fields.h"

// What a configuration says, in types; immutable once loaded. Every member is an option of the
// table in options.h or derived from several, as its comment says.
namespace vallum::config {

class Files;

// A listener's end. Without a host: every address of both families.
struct BindAddress {
  std::optional<IpAddress> host;
  std::uint16_t port = 0;

  bool operator==(const BindAddress&) const = default;
};

// A certificate chain and its key, checked to belong together. In the order in which SNI falls back
// to the first.
struct CertificatePair {
  std::string certificate_pem;  // leaf first
  Secret private_key_pem;
  Place place;
  std::string name;  // the file, or the option it was written in
};

// What a missing or refused client certificate means.
enum class Enforcement : std::uint8_t {
  PolicyWithDefaultDeny,  // 495, on every route
  Policy,                 // what the route's policy makes of it
  RejectConnection,       // the handshake fails; 495 where a route's own authorities refuse
};

struct ClientCertificateSettings {
  Enforcement enforcement = Enforcement::PolicyWithDefaultDeny;
  // Of routes that name none of their own; null: everybody passes there.
  async::Snapshot<crypto::ClientAuthorities> authorities;
  // The global ones and those of all routes, whom a handshake asks for; null: nobody is asked for
  // a certificate, and nothing of this has an effect.
  async::Snapshot<crypto::ClientAuthorities> all;
};

struct CookieSettings {
  std::string name = "_pomerium";
  SecretList secret;   // 32 bytes each; see shared_secret
  std::string domain;  // empty: the route's host only
  bool http_only = true;
  Duration expire{};
  codec::SameSite same_site = codec::SameSite::Unset;
};

struct ProviderSettings {
  std::string type;  // "oidc"; empty: none
  std::optional<http::Uri> url;
  std::string issuer;  // `url` as it was written: an issuer is compared to the letter
  std::string client_id;
  Secret client_secret;
  std::vector<std::string> scopes;  // empty: the provider's default
  std::map<std::string, std::string> request_params;
  std::string groups_claim;  // empty: no directory record is written at sign-in
  // How long a session is used whose access token the provider has not renewed in time.
  Duration outage_grace{};
  bool backchannel_logout = false;
  bool frontchannel_logout = false;
};

enum class StorageType : std::uint8_t { Memory, File, Postgres };

struct StorageSettings {
  StorageType type = StorageType::File;
  std::string directory;  // of vallum.db; empty: the state directory
  Secret database;        // libpq's URL or keywords, for Postgres; the store checks it
  // 32 bytes each; the first one wraps the data keys, all unwrap. Empty: derived from
  // shared_secret.
  std::vector<Secret> encryption_keys;
};

// Limits of the data plane that are options of ours.
struct LimitSettings {
  std::uint32_t connections_max = 0;
  std::uint32_t request_line_bytes_max = 0;
  std::uint32_t request_header_bytes_max = 0;
  std::uint32_t request_headers_max = 0;
  Duration header_timeout{};
  Duration tls_handshake_timeout{};
  Duration connect_timeout{};
  Duration stream_idle_timeout{};
  std::uint32_t cached_sessions_max = 0;  // of each core
};

// The decision served to other proxies (docs/ext_authz.md).
struct ExtAuthzSettings {
  std::optional<BindAddress> grpc_address;
  std::optional<BindAddress> forward_auth_address;
  bool grpc_insecure = false;
  bool forward_auth_insecure = false;
  Duration check_timeout{};
  // Who may ask; not empty when there is a listener.
  std::vector<IpPrefix> peers;
  // Of which peers must show a certificate; empty: their addresses are enough.
  std::string client_ca_pem;
};

// Records served to other processes (docs/databroker.md).
struct RecordServiceSettings {
  // Absent: they are not.
  std::optional<BindAddress> address;
  // Clear text; the address is loopback then.
  bool insecure = false;
  // Of which callers must show a certificate; empty: their tokens are enough.
  std::string client_ca_pem;
};

// The databroker of another process (docs/split_services.md).
struct RemoteDatabrokerSettings {
  struct Address {
    std::string host_and_port;
    bool clear_text = false;  // loopback only

    bool operator==(const Address&) const = default;
  };
  // Of one data set; empty: this process keeps its records itself.
  std::vector<Address> addresses;
  // The name its certificate must have; empty: the address's host.
  std::string server_name;
  // Shown to it; empty: none, or one that is derived.
  std::string certificate_pem;
  Secret private_key_pem;
};

struct RuntimeFlags {
  bool match_any_incoming_port = true;
  bool allow_any_sign_out_redirect_uri = false;
  bool pomerium_jwt_endpoint = false;
};

struct Settings {
  // Names of the texts the values came from: the file first, then "$NAME" of the environment.
  std::vector<std::string> sources;
  // Places of the options that were given, by option name.
  std::map<std::string, Place, std::less<>> places;
  // Every file that was read, for whoever watches them.
  std::vector<std::string> referenced_files;

  BindAddress address;
  std::optional<BindAddress> http_redirect_addr;
  std::optional<BindAddress> metrics_address;
  BindAddress health_check_addr;
  telemetry::LogLevel log_level = telemetry::LogLevel::Info;
  // What the two lines of a request show.
  telemetry::RecordPlans records;

  std::vector<CertificatePair> certificates;
  // Trusted for outgoing TLS besides the system's; empty: none.
  std::string certificate_authority_pem;

  ClientCertificateSettings client_certificates;

  // 32 bytes each; the first one makes, all verify. Nothing when absent: all-in-one then keeps one
  // in the state directory.
  SecretList shared_secret;
  CookieSettings cookie;
  // PEM text, the first key signs; nothing: derived from the shared secret.
  std::optional<Secret> signing_key;

  // Nothing when absent or a hosted service: nobody can sign in then.
  std::optional<http::Uri> authenticate_service_url;
  std::optional<http::Uri> signout_redirect_url;
  std::vector<std::string> programmatic_redirect_domain_whitelist;
  ProviderSettings provider;
  // identity_providers, by name.
  std::vector<TokenIssuer> token_issuers;
  // bearer_token_format of routes that do not say; nothing: default.
  std::optional<BearerTokenFormat> bearer_token_format;
  std::optional<std::vector<std::string>> access_token_audiences;

  // Key file of the service account that Google serverless applications are asked as, JSON or
  // base64 of it; empty: the metadata server of the machine knows it.
  Secret google_service_account;

  std::vector<ClaimHeader> claim_headers;  // jwt_claims_headers
  // Of what is told on own endpoints; routes have their own.
  AssertionRules assertion;
  // Some route sends tokens of sessions to its application, or a record shows them.
  bool uses_session_tokens = false;
  // What `record` criteria may ask about.
  std::vector<policy::RecordSource> policy_records;
  bool pass_identity_headers = false;

  // The defaults applied: what every answer carries.
  std::vector<HeaderLine> set_response_headers;

  Duration timeout_read{};
  Duration timeout_write{};
  Duration timeout_idle{};
  Duration default_upstream_timeout{};
  LimitSettings limits;

  std::uint32_t xff_num_trusted_hops = 0;
  bool skip_xff_append = false;
  http::NormalizeOptions normalize;
  http::UnderscoreNames underscore_names = http::UnderscoreNames::Reject;

  // Whether some service is not one of this process.
  bool is_split = false;
  // Whether proxy is one: else routes are decided about, and nothing is forwarded.
  bool forwards = true;
  // Whether authenticate is one: else its host is not answered for.
  bool signs_in = true;
  // Whether authorize is one, and nothing else but databroker.
  bool decides_for_others_alone = false;
  // Off with services: databroker: nothing is listened to on `address`.
  bool answers_people = true;
  // Whether databroker is one of the services.
  bool keeps_records = true;
  RemoteDatabrokerSettings databroker;
  // The name that the databroker's derived certificate has; empty: nothing is derived.
  std::string tls_derive;
  // How long what other processes changed may be unknown.
  Duration max_staleness{};
  ExtAuthzSettings ext_authz;
  RecordServiceSettings record_service;

  StorageSettings storage;
  RuntimeFlags flags;

  std::vector<RouteSettings> routes;

  // Whether a file that holds a token which others renew holds another one now. One that cannot be
  // read has not changed.
  bool tokens_were_renewed(const Files& files) const;

  // Where an option was written: "FILE:LINE:COL", "$NAME", or "" for a default.
  std::string where(std::string_view option) const;
  std::string where(const RouteSettings& route, std::string_view option) const;
};

}  // namespace vallum::config
