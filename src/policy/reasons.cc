#include "policy/reasons.h"

#include <algorithm>
#include <array>

namespace vallum::policy {

namespace {

constexpr std::array<std::string_view, kReasonCount> kNames{
    "accept",
    "claim-ok",
    "claim-unauthorized",
    "client-certificate-ok",
    "client-certificate-required",
    "client-certificate-unauthorized",
    "cors-request",
    "date-ok",
    "date-unauthorized",
    "day-of-week-ok",
    "day-of-week-unauthorized",
    "device-ok",
    "device-unauthenticated",
    "device-unauthorized",
    "domain-ok",
    "domain-unauthorized",
    "email-ok",
    "email-unauthorized",
    "groups-ok",
    "groups-unauthorized",
    "http-method-ok",
    "http-method-unauthorized",
    "http-path-ok",
    "http-path-unauthorized",
    "invalid-client-certificate",
    "mcp-not-a-tool-call",
    "mcp-tool-match",
    "mcp-tool-no-match",
    "non-cors-request",
    "non-pomerium-route",
    "pomerium-route",
    "record-ok",
    "record-unauthorized",
    "reject",
    "route-not-found",
    "source-ip-ok",
    "source-ip-unauthorized",
    "ssh-publickey-ok",
    "ssh-publickey-unauthorized",
    "ssh-username-ok",
    "ssh-username-unauthorized",
    "time-of-day-ok",
    "time-of-day-unauthorized",
    "user-ok",
    "user-unauthenticated",
    "user-unauthorized",
    "valid-client-certificate",
};
static_assert(std::ranges::is_sorted(kNames));

}  // namespace

std::string_view to_string(Reason reason) {
  return kNames[static_cast<std::size_t>(reason)];
}

std::optional<Reason> find_reason(std::string_view name) {
  const auto* const at = std::ranges::lower_bound(kNames, name);
  if (at == kNames.end() || *at != name) {
    return std::nullopt;
  }
  return static_cast<Reason>(at - kNames.begin());
}

}  // namespace vallum::policy
