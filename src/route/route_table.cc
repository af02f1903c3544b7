#include "route/route_table.h"

#include <algorithm>

namespace vallum::route {
namespace {

using http::Authority;
using http::HostPattern;
using http::Method;
using http::SourceUrl;

// `root` itself or something below it.
bool is_at_or_below(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string with_port(const HostPattern& host, std::uint16_t port) {
  return host.host() + ":" + std::to_string(port);
}

}  // namespace

RouteIndex RouteTable::HostRoutes::find(std::string_view path, Method method) const {
  return method == Method::Connect ? first_tunnel : paths.find(path);
}

Result<RouteTable> RouteTable::build(std::span<const RouteSpec> specs,
                                     const TableOptions& options) {
  RouteTable table;
  table.any_port_ = options.match_any_incoming_port;
  table.callback_path_ = options.callback_path;
  for (RouteIndex index = 0; index < specs.size(); ++index) {
    const auto source = SourceUrl::parse(specs[index].from);
    if (!source) {
      return fail(source.error().with_context("route " + std::to_string(index + 1)));
    }
    table.add(*source, specs[index], index);
  }
  for (const std::string& text : options.authenticate_urls) {
    const auto source = SourceUrl::parse(text);
    if (!source) {
      return fail(source.error().with_context("authenticate service"));
    }
    // An empty table of its own keeps wildcard routes away from this host.
    table.places_of(source->hosts.front(), *source);
    table.authenticate_hosts_.push_back(
        {.pattern = source->hosts.front(), .default_port = source->default_port, .routes = {}});
  }
  table.finish();
  return table;
}

void RouteTable::add(const SourceUrl& source, const RouteSpec& spec, RouteIndex index) {
  if (source.kind == SourceUrl::Kind::Ssh) {
    return;
  }
  for (const HostPattern& host : source.hosts) {
    for (HostRoutes* routes : places_of(host, source)) {
      if (source.kind == SourceUrl::Kind::Tunnel) {
        routes->first_tunnel = std::min(routes->first_tunnel, index);
      } else if (spec.path.empty()) {
        routes->paths.add_prefix(spec.prefix, index);
      } else {
        routes->paths.add_path(spec.path, index);
      }
    }
  }
}

std::vector<RouteTable::HostRoutes*> RouteTable::places_of(const HostPattern& host,
                                                           const SourceUrl& source) {
  if (host.is_wildcard()) {
    return {&wildcard_of(host, source.default_port)};
  }
  const auto port = host.port();
  if (source.kind == SourceUrl::Kind::Tunnel) {
    // The authority of a tunnel counts as it is written: no port is the default.
    if (port) {
      return {&with_port_[with_port(host, *port)]};
    }
    return {any_port_ ? &any_port_hosts_[host.host()] : &with_port_[host.host()]};
  }
  if (port && *port != source.default_port) {
    return {&with_port_[with_port(host, *port)]};
  }
  if (any_port_) {
    return {&any_port_hosts_[host.host()]};
  }
  // References into the map stay valid when it grows.
  HostRoutes& bare = with_port_[host.host()];
  return {&bare, &with_port_[with_port(host, source.default_port)]};
}

RouteTable::HostRoutes& RouteTable::wildcard_of(const HostPattern& host,
                                                std::uint16_t default_port) {
  const std::string key =
      with_port(host, host.port().value_or(0)) + " " + std::to_string(default_port);
  const auto place = static_cast<std::uint32_t>(wildcards_.size());
  const auto [at, is_new] = wildcard_places_.try_emplace(key, place);
  if (is_new) {
    wildcards_.push_back({.pattern = host, .default_port = default_port, .routes = {}});
  }
  return wildcards_[at->second].routes;
}

void RouteTable::finish() {
  wildcard_places_ = {};
  for (auto* hosts : {&with_port_, &any_port_hosts_}) {
    for (auto& [host, routes] : *hosts) {
      routes.paths.finish();
    }
  }
  for (std::uint32_t at = 0; at < wildcards_.size(); ++at) {
    wildcards_[at].routes.paths.finish();
    const std::string_view suffix = wildcards_[at].pattern.literal_suffix();
    auto& list = suffix.starts_with('.') ? by_suffix_[std::string(suffix)] : irregular_;
    list.push_back(at);
  }
}

const RouteTable::HostRoutes* RouteTable::find_exact(const Authority& authority) const {
  if (!with_port_.empty()) {
    const auto exact = with_port_.find(authority.text());
    if (exact != with_port_.end()) {
      return &exact->second;
    }
  }
  const auto any = any_port_hosts_.find(authority.host());
  return any == any_port_hosts_.end() ? nullptr : &any->second;
}

bool RouteTable::port_matches(const Wildcard& wildcard, const Authority& authority) const {
  const std::uint16_t configured = wildcard.pattern.port().value_or(wildcard.default_port);
  if (configured != wildcard.default_port) {
    return authority.port() == configured;
  }
  return any_port_ || authority.port_or(configured) == configured;
}

template <class Visit>
void RouteTable::visit_wildcards(const Authority& authority, Visit visit) const {
  const auto consider = [&](std::uint32_t at) {
    const Wildcard& wildcard = wildcards_[at];
    if (wildcard.pattern.matches_host(authority.host()) && port_matches(wildcard, authority)) {
      visit(wildcard.routes);
    }
  };
  for (const std::uint32_t at : irregular_) {
    consider(at);
  }
  if (by_suffix_.empty()) {
    return;
  }
  const std::string_view host = authority.host();
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos;
       dot = host.find('.', dot + 1)) {
    const auto list = by_suffix_.find(host.substr(dot));
    if (list != by_suffix_.end()) {
      std::ranges::for_each(list->second, consider);
    }
  }
}

std::optional<RouteIndex> RouteTable::find_route(const Authority& authority,
                                                 std::string_view path,
                                                 Method method) const {
  if (method != Method::Connect && !path.starts_with('/')) {
    return std::nullopt;
  }
  RouteIndex found = kNoRoute;
  if (const HostRoutes* exact = find_exact(authority)) {
    found = exact->find(path, method);
  } else {
    visit_wildcards(authority, [&](const HostRoutes& routes) {
      found = std::min(found, routes.find(path, method));
    });
  }
  return found == kNoRoute ? std::nullopt : std::optional(found);
}

bool RouteTable::is_authenticate_host(const Authority& authority) const {
  return std::ranges::any_of(authenticate_hosts_, [&](const Wildcard& host) {
    return host.pattern.matches_host(authority.host()) && port_matches(host, authority);
  });
}

OwnEndpoint RouteTable::find_own(const Authority& authority, std::string_view path) const {
  if (path == "/ping") {
    return OwnEndpoint::Ping;
  }
  if (path == "/healthz") {
    return OwnEndpoint::Healthz;
  }
  if (is_at_or_below(path, "/.pomerium")) {
    return OwnEndpoint::Pomerium;
  }
  if (is_at_or_below(path, "/.well-known/pomerium")) {
    return OwnEndpoint::WellKnown;
  }
  const bool is_root = path == "/";
  const bool is_callback = path == callback_path_;
  if ((is_root || is_callback || path == "/robots.txt") && is_authenticate_host(authority)) {
    return is_root       ? OwnEndpoint::AuthenticateRoot
           : is_callback ? OwnEndpoint::Callback
                         : OwnEndpoint::RobotsTxt;
  }
  return OwnEndpoint::None;
}

RouteTable::Match RouteTable::find(const Authority& authority,
                                   std::string_view path,
                                   Method method) const {
  Match match;
  if (method != Method::Connect) {
    match.own = find_own(authority, path);
  }
  if (match.own == OwnEndpoint::None) {
    match.route = find_route(authority, path, method);
  }
  return match;
}

bool RouteTable::serves(const Authority& authority) const {
  bool served = find_exact(authority) != nullptr;
  if (!served) {
    visit_wildcards(authority, [&served](const HostRoutes&) { served = true; });
  }
  return served;
}

}  // namespace vallum::route
