#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/reading.h"
#include "config/targets.h"

// What rows of the table of options refer to: checks of values, and readers of options with a
// syntax of their own.
namespace vallum::config {

// Each returns what is wrong, or nothing.
using Wrong = std::optional<std::string>;

Wrong is_positive(const Duration& value);
Wrong is_not_negative(const Duration& value);
Wrong is_maybe_not_negative(const std::optional<Duration>& value);
Wrong is_count(const std::uint32_t& value);
// 1 to 16,777,216.
Wrong is_cache_size(const std::uint32_t& value);
Wrong has_port(const BindAddress& value);
Wrong has_port_if_any(const std::optional<BindAddress>& value);
Wrong is_cookie_name(const std::string& value);
// A domain that browsers accept cookies for: no public suffix, no address.
Wrong is_cookie_domain(const std::string& value);
Wrong is_server_name(const std::string& value);
Wrong are_tokens(const std::vector<std::string>& value);

void read_public_address(Reading& reading, const Value& value, GlobalTarget& target);
void read_certificates(Reading& reading, const Value& value, GlobalTarget& target);
// A block whose options have rows of their own: only that it is one.
void read_block(Reading& reading, const Value& value, GlobalTarget& target);
// downstream_mtls.match_subject_alt_names.
void read_client_names(Reading& reading, const Value& value, GlobalTarget& target);
// token_issuers.cc: identity_providers of the process.
void read_token_issuers(Reading& reading, const Value& value, GlobalTarget& target);
void read_provider_url(Reading& reading, const Value& value, GlobalTarget& target);

// A list of routes, or base64 of one in a string.
std::vector<Value> read_route_list(Reading& reading, const Value& value);

template <std::vector<Value> GlobalInputs::* Member>
void read_routes(Reading& reading, const Value& value, GlobalTarget& target) {
  target.inputs.*Member = read_route_list(reading, value);
}

// A member of the choices of load_balancing_policy.
void read_balancing(Reading& reading, const Value& value, RouteTarget& target);

void read_source(Reading& reading, const Value& value, RouteTarget& target);
void read_destinations(Reading& reading, const Value& value, RouteTarget& target);

// Keys that become the policy; they keep their place and get the type that policy wants.
void read_policy_flag(Reading& reading, const Value& value, RouteTarget& target);
void read_policy_list(Reading& reading, const Value& value, RouteTarget& target);
void read_policy_node(Reading& reading, const Value& value, RouteTarget& target);

// Kept as they are: they are read once the policy was.
void keep_policy_tests(Reading& reading, const Value& value, RouteTarget& target);
void keep_shadow_policy(Reading& reading, const Value& value, RouteTarget& target);

}  // namespace vallum::config
