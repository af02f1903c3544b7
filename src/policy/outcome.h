#pragma once

#include <cstdint>
#include <string_view>

#include "policy/decision.h"

namespace vallum::policy {

// What becomes of the request. Whether Login and DeviceEnroll are a redirect or a 401 is decided by
// whoever knows the client.
enum class Outcome : std::uint8_t {
  Allowed,              // make a Permit and forward
  Login,                // the answer may change once we know who asks: send to sign-in
  DeviceEnroll,         // the answer may change once the device is known: send to enrolment
  Forbidden,            // 403
  RouteNotFound,        // 404
  DeviceRefused,        // 450: the device is known and not good enough
  CertificateRequired,  // 495: no client certificate, or a bad one
  McpError,             // 200 with a JSON-RPC error
  McpUnauthorized,      // 401 with the protected-resource hint
};

std::string_view to_string(Outcome outcome);

struct OutcomeContext {
  // The route is a Model Context Protocol server.
  bool is_mcp_route = false;
  // A JSON-RPC method was parsed from the body.
  bool has_mcp_method = false;
};

// Policy specification 3.6. A decision is allowed only when this says Allowed: the booleans of a
// decision alone decide nothing.
Outcome outcome_of(const Decision& decision, OutcomeContext context);

}  // namespace vallum::policy
