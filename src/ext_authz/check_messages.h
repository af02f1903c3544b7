#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"
#include "ext_authz/decide.h"
#include "ext_authz/question.h"

namespace envoy::service::auth::v3 {
class CheckRequest;
class CheckResponse;
}  // namespace envoy::service::auth::v3

namespace vallum::ext_authz {

namespace wire = envoy::service::auth::v3;

// Views of the request. InvalidInput, with text for the person who configures the caller, when a
// part is missing, or when two parts speak of the same thing and differ.
Result<Question> read_check(const wire::CheckRequest& request);

void write_answer(const Answer& answer, wire::CheckResponse* into);
// Denies without a decision; `code` is one of gRPC's.
void write_refusal(std::uint16_t status,
                   int code,
                   std::string_view text,
                   wire::CheckResponse* into);

// The address in gRPC's name of a peer, "ipv4:10.0.0.1:443" or "ipv6:[::1]:443" with or without
// escaped brackets.
std::optional<IpAddress> address_of_peer(std::string_view peer);

}  // namespace vallum::ext_authz
