#pragma once

#include "codec/node.h"
#include "policy/problem.h"
#include "policy/syntax.h"

// The route keys that came before the policy language. Policy specification 1.5.
namespace vallum::policy {

// Reads allow_public_unauthenticated_access, cors_allow_preflight, allow_any_authenticated_user,
// allowed_domains, allowed_idp_claims, allowed_users, sub_policies and policy of a route, a Map,
// and returns the one policy they mean, with the problems of all of them. Other keys are not looked
// at.
Parsed parse_route(const codec::Node& route, Keywords keywords);

// Keys that contradict each other, and what every route needs. Appendix B.4.
Problems validate_route(const codec::Node& route);

}  // namespace vallum::policy
