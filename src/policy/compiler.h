#pragma once

#include <expected>

#include "policy/problem.h"
#include "policy/program.h"
#include "policy/syntax.h"

namespace vallum::policy {

struct CompileOptions {
  Keywords keywords = Keywords::Exact;
  // Append "deny: or: [invalid_client_certificate]", as every route gets when a client certificate
  // authority is configured and enforcement is not left to policy.
  bool deny_invalid_client_certificate = false;
  // Accept an OpenSSH certificate without principals for any user name.
  bool ssh_ca_any_principal = false;
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
