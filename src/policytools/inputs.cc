#include "policytools/inputs.h"

#include <algorithm>
#include <optional>

#include "policytools/rules.h"

namespace vallum::policytools {

namespace {

struct Reads {
  std::string_view criterion;
  // Nothing: all it looks at is logged.
  std::optional<Unlogged> input;
};

constexpr auto kReads =
    std::to_array<Reads>({{"accept", {}},
                          {"reject", {}},
                          {"authenticated_user", {}},
                          {"user", {}},
                          {"email", {}},
                          {"domain", {}},
                          {"http_method", {}},
                          {"http_path", {}},
                          {"source_ip", {}},
                          {"date", {}},
                          {"day_of_week", {}},
                          {"time_of_day", {}},
                          {"pomerium_routes", {}},
                          {"claim", Unlogged::Claims},
                          {"groups", Unlogged::Groups},
                          {"cors_preflight", Unlogged::PreflightHeaders},
                          {"client_certificate", Unlogged::ClientCertificate},
                          {"invalid_client_certificate", Unlogged::ClientCertificate},
                          {"device", Unlogged::Devices},
                          {"mcp_tool", Unlogged::McpCall},
                          {"ssh_publickey", Unlogged::Ssh},
                          {"ssh_ca", Unlogged::Ssh},
                          {"ssh_username", Unlogged::Ssh},
                          {"ssh_username_matches_email", Unlogged::Ssh},
                          {"ssh_username_matches_claim", Unlogged::Ssh}});

std::optional<Unlogged> unlogged_of(std::string_view criterion) {
  const auto* const found = std::ranges::find(kReads, criterion, &Reads::criterion);
  return found == kReads.end() ? Unlogged::Records : found->input;
}

}  // namespace

std::string_view to_string(Unlogged input) {
  switch (input) {
    case Unlogged::Groups:
      return "groups";
    case Unlogged::Claims:
      return "claims";
    case Unlogged::Devices:
      return "devices";
    case Unlogged::ClientCertificate:
      return "the client certificate";
    case Unlogged::PreflightHeaders:
      return "the headers of a CORS preflight";
    case Unlogged::McpCall:
      return "the MCP method and tool";
    case Unlogged::Ssh:
      return "the SSH user name and key";
    case Unlogged::Records:
      break;
  }
  return "other records";
}

bool needs_session(Unlogged input) {
  return input == Unlogged::Groups || input == Unlogged::Claims || input == Unlogged::Devices;
}

UnloggedSet unlogged_of(const policy::PolicySyntax& policy) {
  UnloggedSet set;
  for_each_criterion(policy, [&](const policy::CriterionSyntax& criterion) {
    if (const std::optional<Unlogged> input = unlogged_of(criterion.name)) {
      set.insert(*input);
    }
  });
  return set;
}

}  // namespace vallum::policytools
