#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"

namespace vallum::policy {

// What is wrong with a policy. Policy specification, appendix B.
enum class ProblemCode : std::uint8_t {
  // Structure.
  MalformedJson,
  MalformedYaml,
  PolicyMustBeObjectOrArray,
  RulesArrayElementMustBeObject,
  UnsupportedAction,
  ActionValueMustBeObject,
  OperatorValueMustBeArray,
  CriterionMustBeObject,
  CriterionMustHaveOneKey,
  UnsupportedConditional,
  DuplicateKey,  // two keys of one mapping that differ in case only
  // Criteria and their data.
  UnknownCriterion,
  UnknownStringOperator,
  UnknownListOperator,
  InRequiresArray,
  DeviceMustBeObject,
  UnknownDeviceField,
  DeviceOperatorMustBeString,
  CertificateMatcherMustBeObject,
  UnknownCertificateCondition,
  FingerprintType,
  FingerprintEmpty,
  FingerprintFormat,
  SpkiType,
  SpkiEmpty,
  SpkiFormat,
  SourceIpType,
  SourceIpFormat,
  SshKeyType,
  SshKeyFormat,
  SshClaimNameType,
  SubstringOperatorNeedsString,
  DomainIsNeedsString,
  CriterionNotAvailable,  // known, but nobody states the facts it reads yet
  // The route around the policy.
  PublicWithAllowlist,
  AnyUserWithAllowlist,
  FromHasPath,
  DestinationRequired,
  RouteKeyType,
  CustomRego,
  RemovedKey,
  // Too large to be meant.
  TooLarge,
  // Warnings.
  NegativeMatchWithoutSession,
  ShorthandArray,
  DeviceWithoutDevice,
  HttpFieldOvermatch,
  SanOperatorsIndependent,
};

inline constexpr std::size_t kProblemCodeCount =
    static_cast<std::size_t>(ProblemCode::SanOperatorsIndependent) + 1;

// As the specification writes it: "unknown-criterion".
std::string_view to_string(ProblemCode code);

enum class Severity : std::uint8_t { Warning, Error };

struct Problem {
  ProblemCode code;
  codec::Position at;
  // Says what is wrong and what to write instead.
  std::string text;
  Severity severity = Severity::Error;
};

using Problems = std::vector<Problem>;

bool has_errors(const Problems& problems);

}  // namespace vallum::policy
