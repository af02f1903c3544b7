#include "policy/problem.h"

#include <algorithm>
#include <array>

namespace vallum::policy {

namespace {

// In the order of ProblemCode.
constexpr std::array<std::string_view, kProblemCodeCount> kNames{
    "malformed-json",
    "malformed-yaml",
    "policy-must-be-object-or-array",
    "rules-array-element-must-be-object",
    "unsupported-action",
    "action-value-must-be-object",
    "operator-value-must-be-array",
    "criterion-must-be-object",
    "criterion-must-have-one-key",
    "unsupported-conditional",
    "duplicate-key",
    "unknown-criterion",
    "unknown-string-operator",
    "unknown-list-operator",
    "in-requires-array",
    "device-must-be-object",
    "unknown-device-field",
    "device-operator-must-be-string",
    "certificate-matcher-must-be-object",
    "unknown-certificate-condition",
    "fingerprint-type",
    "fingerprint-empty",
    "fingerprint-format",
    "spki-type",
    "spki-empty",
    "spki-format",
    "source-ip-type",
    "source-ip-format",
    "ssh-key-type",
    "ssh-key-format",
    "ssh-claim-name-type",
    "substring-operator-needs-string",
    "domain-is-needs-string",
    "criterion-not-available",
    "public-with-allowlist",
    "any-user-with-allowlist",
    "from-has-path",
    "destination-required",
    "route-key-type",
    "custom-rego",
    "removed-key",
    "too-large",
    "negative-match-without-session",
    "shorthand-array",
    "device-without-device",
    "http-field-overmatch",
    "san-operators-independent",
};

}  // namespace

std::string_view to_string(ProblemCode code) {
  return kNames[static_cast<std::size_t>(code)];
}

bool has_errors(const Problems& problems) {
  return std::ranges::any_of(problems,
                             [](const Problem& p) { return p.severity == Severity::Error; });
}

}  // namespace vallum::policy
