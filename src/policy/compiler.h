#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "policy/problem.h"
#include "policy/program.h"
#include "policy/record_source.h"
#include "policy/syntax.h"

namespace vallum::policy {

// How strictly ssh_ca reads a certificate. As the reference product: a certificate without
// principals is good for any user name, and source-address is left to others.
enum class SshCaChecks : std::uint8_t { Full, AsReference };

// How to decide where the reference product is defective (policy specification, [QUIRK]). As that
// product: device: {} holds without a device, and several conditions on alternative names of one
// type may each be met by another name. Its other defects are not offered.
enum class Quirks : std::uint8_t { Required, AsReference };

// Which facts the caller states beyond the request and the session. A criterion that reads others
// would take their absence for an answer, so it is an error.
struct FactSources {
  bool client_certificate = false;
  bool device = false;
  bool mcp = false;
  bool ssh = false;
  // Users' own records of these types; outlives the compilation.
  std::span<const RecordSource> records;
  bool all_records = false;

  static constexpr FactSources all() {
    return {.client_certificate = true,
            .device = true,
            .mcp = true,
            .ssh = true,
            .records = {},
            .all_records = true};
  }
};

struct CompileOptions {
  Keywords keywords = Keywords::Exact;
  FactSources sources = {};
  // Append "deny: or: [invalid_client_certificate]", as every route gets when a client certificate
  // authority is configured and enforcement is not left to policy.
  bool deny_invalid_client_certificate = false;
  SshCaChecks ssh_ca_checks = SshCaChecks::Full;
  Quirks quirks = Quirks::Required;
  // Join what "or" combines into sets. Off only to see each criterion on its own.
  bool merge = true;
};

struct Compiled {
  Program program;
  Problems warnings;
};

// Checks every criterion and compiles. The error holds every problem of `parsed` and of the check,
// in the order of the text.
std::expected<Compiled, Problems> compile(Parsed parsed, const CompileOptions& options);

}  // namespace vallum::policy
