#include "config/runtime_flags.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace vallum::config {

namespace {

constexpr auto kFlags = std::to_array<RuntimeFlag>({
    {"add_extra_metrics_labels", true, "Labels hostname and installation_id on every metric."},
    {"allow_any_sign_out_redirect_uri",
     false,
     "Skip the same-site check of the redirect after sign-out.",
     &RuntimeFlags::allow_any_sign_out_redirect_uri},
    {"authorize_use_synced_data", true, "Authorize from a local copy of records."},
    {"config_hot_reload", true, "Watch the configuration and the files it names."},
    {"debug_admin_endpoints", false, "Admin pages on the debug listener."},
    {"envoy_resource_manager", true, "Overload protection by the memory limit."},
    {"grpc_databroker_keepalive", true, "Keep-alive pings to the databroker."},
    {"match_any_incoming_port",
     true,
     "Ignore the port of a request when a route's URL names none of its own.",
     &RuntimeFlags::match_any_incoming_port},
    {"mcp", true, "MCP endpoints and routes."},
    {"mcp_dynamic_client_registration", false, "Register clients with upstream MCP servers."},
    {"pomerium_jwt_endpoint",
     false,
     "Serve the identity assertion at /.pomerium/jwt.",
     &RuntimeFlags::pomerium_jwt_endpoint},
    {"refresh_session_at_id_token_expiration", true, "Refresh when the ID token expires."},
    {"routes_portal", true, "The list of routes at /.pomerium/routes."},
    {"set_envoy_concurrency_to_go_max_procs", true, "As many cores as the CPU quota allows."},
    {"ssh_allow_direct_tcpip", false, "Jump-host mode of the SSH listener."},
    {"ssh_routes_portal", false, "Interactive list of SSH routes."},
    {"ssh_upstream_tunnel", false, "Reverse tunnels."},
});

}  // namespace

std::span<const RuntimeFlag> runtime_flags() {
  return kFlags;
}

void set_runtime_flag(Reading& reading,
                      const codec::Node::Member& flag,
                      bool value,
                      RuntimeFlags& into) {
  const std::string name = to_lower(flag.key);
  const auto* const it = std::ranges::find(kFlags, name, &RuntimeFlag::name);
  const Place place{.source = reading.value().place.source, .at = flag.position};
  if (it == kFlags.end()) {
    reading.report().unknown(place, reading.option(), "unknown runtime flag " + quoted(flag.key));
    return;
  }
  if (it->member != nullptr) {
    into.*(it->member) = value;
  } else if (value != it->fallback) {
    reading.report().warn(
        place, reading.option(), "runtime flag " + name + " is not built yet and has no effect");
  }
}

}  // namespace vallum::config
