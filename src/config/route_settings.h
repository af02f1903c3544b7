#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/snapshot.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/diagnostic.h"
#include "config/token_issuer.h"
#include "crypto/chain/client_authorities.h"
#include "http/syntax/authority.h"
#include "policy/compiler.h"
#include "policy/program.h"
#include "policy/syntax.h"

namespace vallum::config {

struct HeaderLine {
  std::string name;
  std::string value;

  bool operator==(const HeaderLine&) const = default;
};

// A header of its own for one claim of the identity assertion.
struct ClaimHeader {
  std::string header;
  std::string claim;

  bool operator==(const ClaimHeader&) const = default;
};

// One piece of the value of a header that is set: text, or what a reference stands for.
struct HeaderPiece {
  enum class Kind : std::uint8_t {
    Literal,
    AccessToken,             // of the session at its provider
    IdToken,                 // as the provider signed it
    Assertion,               // the identity assertion
    CertificateFingerprint,  // of the client's certificate, trusted or not
    CertificateDnsNames,
    CertificateEmails,
    RequestHeader,
  };
  Kind kind = Kind::Literal;
  std::string text;  // of Literal; of RequestHeader: its name

  bool operator==(const HeaderPiece&) const = default;
};

// A header sent to the application.
struct RequestHeader {
  std::string name;
  std::vector<HeaderPiece> value;

  bool operator==(const RequestHeader&) const = default;
};

enum class IssuerFormat : std::uint8_t { HostOnly, Uri };

// When the assertion of one session on one route is signed anew.
enum class AssertionReuse : std::uint8_t { UntilHalfItsLife, PerRequest };

// What an identity assertion holds beside what every one holds (policy specification 5.2, 5.4).
struct AssertionRules {
  IssuerFormat issuer_format = IssuerFormat::HostOnly;
  // Claims of jwt_claims_headers.
  std::vector<std::string> extra_claims;
  // Ids of the directory's groups that are told, sorted; empty: all.
  std::vector<std::string> groups_filter;
};

// The URL that users know a route by. Configuration specification 3.3.
struct RouteSource {
  enum class Kind : std::uint8_t { Http, Tcp, Udp, Ssh };

  Kind kind = Kind::Http;
  std::string text;    // as written
  std::string scheme;  // lower case
  // Lower case; may hold "*", which stands for any run of characters.
  std::string host;
  // As written; the scheme's own port counts as none for Http.
  std::optional<std::uint16_t> port;

  bool is_wildcard() const { return host.contains('*'); }
  std::uint16_t default_port() const { return scheme == "http" ? 80 : 443; }
};

// One URL of `to`. Configuration specification 3.5.
struct Destination {
  std::string scheme;  // lower case
  // To connect to: "localhost" is 127.0.0.1.
  http::Authority authority;
  std::uint16_t port = 0;
  // The Host header the application gets unless the client's is kept: with the port if written.
  std::string host_header;
  // The name for SNI and certificate checks: the host as written.
  std::string server_name;
  bool is_tls = false;
  std::uint32_t weight = 1;

  bool operator==(const Destination&) const = default;
};

// The rules of a route as they were written, for tools that show them.
struct WrittenPolicy {
  policy::PolicySyntax syntax;
  // Compiled with these, it is the route's program.
  policy::CompileOptions options;
};

// One of the policies a route's rules come from, for telling whoever was denied which of them did
// it: the route's own rules, or one of its sub_policies.
struct ExplainedPolicy {
  std::string id;  // "" for the route's own rules
  std::string explanation;
  std::string remediation;
  // Of this policy alone.
  policy::Program program;
};

struct RouteSettings {
  // The XXH3 text of configuration specification 3.1: names the route in logs and to peers.
  std::string id;
  // Of everything the route says: differs when anything of it does.
  std::uint64_t checksum = 0;
  std::string name;
  std::string description;
  RouteSource from;
  // At least one for a route that is served.
  std::vector<Destination> to;
  std::string prefix;  // empty: no such matcher
  std::string path;    // empty: no such matcher; wins over prefix

  // Never copied, so neither is a route.
  policy::Program program;
  // What shadow_policy would decide. Without effect; nothing when there is none.
  std::optional<policy::Program> shadow_program;
  // Kept only where LoadContext asks for it.
  std::optional<WrittenPolicy> written;

  // Of show_error_details; empty without it.
  std::vector<ExplainedPolicy> explained;

  BearerRules bearer;

  bool preserve_host_header = false;
  bool pass_identity_headers = false;
  AssertionRules assertion;
  AssertionReuse assertion_reuse = AssertionReuse::UntilHalfItsLife;
  // Sent where identity is passed: those of jwt_claims_headers but for what is removed.
  std::vector<ClaimHeader> claim_headers;
  // Identity is passed, and the assertion is not removed.
  bool sends_assertion = false;
  // A header that is set refers to the assertion.
  bool needs_assertion = false;
  // X-Pomerium-Routing-Key is sent.
  bool sends_routing_key = false;
  // The application is a Kubernetes API that is told whom to impersonate.
  bool is_kubernetes = false;
  Secret kubernetes_token;            // empty: set_request_headers names another
  std::string kubernetes_token_file;  // where it was read from; empty: the option itself
  // Of the ID token a Google serverless application is sent; empty: none is sent.
  std::string serverless_audience;
  std::vector<RequestHeader> set_request_headers;
  std::vector<std::string> remove_request_headers;
  // The global ones with the route's merged over them.
  std::vector<HeaderLine> set_response_headers;

  Duration timeout{};                    // zero: no limit
  std::optional<Duration> idle_timeout;  // zero: no limit; nothing: stream_idle_timeout
  // How long a session is used here whose access token could not be renewed in time.
  Duration outage_grace{};
  bool allow_websockets = false;
  bool allow_spdy = false;

  bool tls_skip_verify = false;
  std::string tls_server_name;    // empty: the destination's
  std::string tls_custom_ca_pem;  // replaces every other trust; empty: none

  // Who vouches for client certificates here: the route's own instead of the global ones. Null:
  // everybody passes.
  async::Snapshot<crypto::ClientAuthorities> client_authorities;

  // Why no request may be forwarded: an option it depends on is not built. Empty: it is served.
  // Leaving such an option out would let through what the operator closed, so the route is known
  // and answers 503.
  std::string not_served_because;

  Place place;
  // Places of the options that were given, by option name.
  std::map<std::string, Place, std::less<>> places;
};

}  // namespace vallum::config
