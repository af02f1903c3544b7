#include "policy/criterion.h"

#include <algorithm>
#include <array>

namespace vallum::policy {

namespace {

// In the order of CriterionKind.
constexpr std::array<std::string_view, kCriterionKindCount> kNames{
    "accept",
    "reject",
    "authenticated_user",
    "user",
    "email",
    "domain",
    "claim",
    "groups",
    "http_method",
    "http_path",
    "cors_preflight",
    "source_ip",
    "client_certificate",
    "invalid_client_certificate",
    "device",
    "mcp_tool",
    "ssh_publickey",
    "ssh_ca",
    "ssh_username",
    "ssh_username_matches_email",
    "ssh_username_matches_claim",
    "date",
    "day_of_week",
    "time_of_day",
    "record",
    "pomerium_routes",
};

}  // namespace

std::span<const std::string_view> criterion_names() {
  return kNames;
}

std::string_view to_string(CriterionKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<CriterionKind> find_criterion(std::string_view name) {
  const auto* const at = std::ranges::find(kNames, name);
  if (at == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<CriterionKind>(at - kNames.begin());
}

Constant constant_of(const codec::Node& node) {
  Constant constant{.kind = value_kind(node), .text = {}};
  append_canonical(node, constant.text);
  return constant;
}

}  // namespace vallum::policy
