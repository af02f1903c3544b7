#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace vallum::route {

// One entry of `to`.
struct RouteTarget {
  std::string url;  // without weight
  std::uint32_t weight = 0;
};

struct RouteRedirect {
  std::optional<bool> https_redirect;
  std::optional<std::string> scheme_redirect;
  std::optional<std::string> host_redirect;
  std::optional<std::uint32_t> port_redirect;
  std::optional<std::string> path_redirect;
  std::optional<std::string> prefix_rewrite;
  std::optional<std::int32_t> response_code;
  std::optional<bool> strip_query;
};

struct RouteResponse {
  std::int32_t status = 0;
  std::string body;
};

// What the id of a route is made of, each text as configured.
struct RouteIdentity {
  std::string from;
  std::string prefix;
  std::string path;
  std::string regex;
  std::vector<RouteTarget> to;
  std::optional<RouteRedirect> redirect;
  std::optional<RouteResponse> response;
};

// The id that logs, metrics and the records of other nodes know the route by: sixteen hexadecimal
// digits, equal to those of the reference (configuration specification 3.1). It leaves out most
// options, so two routes may share one: never choose a policy by it.
Result<std::string> route_id(const RouteIdentity& route);

}  // namespace vallum::route
