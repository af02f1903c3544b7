#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/strings.h"
#include "http/syntax/authority.h"
#include "http/syntax/head.h"
#include "http/syntax/host_pattern.h"
#include "route/path_index.h"

namespace vallum::route {

// What routing needs to know of a configured route, in file order.
struct RouteSpec {
  std::string from;
  std::string prefix;  // "" for none
  std::string path;    // "" for none; goes before prefix
};

// Requests that Vallum answers itself, on every host or on those of the authenticate service.
enum class OwnEndpoint : std::uint8_t {
  None,
  Ping,              // /ping
  Healthz,           // /healthz
  Pomerium,          // /.pomerium and all below
  WellKnown,         // /.well-known/pomerium and all below
  AuthenticateRoot,  // / of an authenticate host
  Callback,          // the identity provider's way back
  RobotsTxt,         // /robots.txt of an authenticate host
};

struct TableOptions {
  bool match_any_incoming_port = true;
  std::vector<std::string> authenticate_urls;
  std::string callback_path = "/oauth2/callback";
};

// Decides which route a request belongs to: the one matcher for the proxy, for policy tools and for
// sign-in. Immutable. Looking up allocates nothing.
//
// File order is the priority. A host that some route names exactly has a table of its own, and its
// requests never reach the routes of a wildcard, even when no path matches.
class RouteTable {
 public:
  struct Match {
    OwnEndpoint own = OwnEndpoint::None;
    std::optional<RouteIndex> route;  // into the specs; nothing when `own` is set
  };

  // InvalidInput, naming the route's place in the list, when a `from` cannot be read.
  static Result<RouteTable> build(std::span<const RouteSpec> specs, const TableOptions& options);

  // `path` is normalised and without query. Requests to own endpoints never reach a route; CONNECT
  // reaches tunnels only, and nothing else does.
  Match find(const http::Authority& authority, std::string_view path, http::Method method) const;

  // The route alone, as if there were no own endpoints.
  std::optional<RouteIndex> find_route(const http::Authority& authority,
                                       std::string_view path,
                                       http::Method method) const;
  OwnEndpoint find_own(const http::Authority& authority, std::string_view path) const;

  // Whether some route or the authenticate service is there for this host, whatever the path.
  bool serves(const http::Authority& authority) const;

 private:
  // The routes of one host or of one wildcard.
  struct HostRoutes {
    PathIndex paths;
    RouteIndex first_tunnel = kNoRoute;

    RouteIndex find(std::string_view path, http::Method method) const;
  };
  struct Wildcard {
    http::HostPattern pattern;
    std::uint16_t default_port = 443;
    HostRoutes routes;
  };
  using Hosts = std::unordered_map<std::string, HostRoutes, StringHash, std::equal_to<>>;

  void add(const http::SourceUrl& source, const RouteSpec& spec, RouteIndex index);
  // Where the routes of this host live, made when there is none yet.
  std::vector<HostRoutes*> places_of(const http::HostPattern& host, const http::SourceUrl& source);
  HostRoutes& wildcard_of(const http::HostPattern& host, std::uint16_t default_port);
  const HostRoutes* find_exact(const http::Authority& authority) const;
  bool port_matches(const Wildcard& wildcard, const http::Authority& authority) const;
  template <class Visit>
  void visit_wildcards(const http::Authority& authority, Visit visit) const;
  bool is_authenticate_host(const http::Authority& authority) const;
  void finish();

  bool any_port_ = true;
  Hosts with_port_;  // by host:port, or by host for requests without a port
  Hosts any_port_hosts_;
  std::vector<Wildcard> wildcards_;
  std::unordered_map<std::string, std::uint32_t> wildcard_places_;  // for building only
  // Wildcards by their literal suffix when it begins with a dot, and the others.
  std::unordered_map<std::string, std::vector<std::uint32_t>, StringHash, std::equal_to<>>
      by_suffix_;
  std::vector<std::uint32_t> irregular_;
  std::vector<Wildcard> authenticate_hosts_;  // not patterns, but matched by the same rules
  std::string callback_path_;
};

}  // namespace vallum::route
