#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"
#include "policy/problem.h"

// The policy language as written: structure and places, nothing decided yet. Policy specification
// 1.2.
namespace vallum::policy {

enum class Action : std::uint8_t { Allow, Deny };
enum class Logic : std::uint8_t { And, Or, Not, Nor };

// { name/subpath: operand }
struct CriterionSyntax {
  std::string name;
  std::string subpath;
  codec::Position at;
  codec::Node operand;
};

// { and: [criterion, ...] }. Never empty: an empty list contributes nothing and is dropped.
struct BlockSyntax {
  Logic logic = Logic::Or;
  codec::Position at;
  std::vector<CriterionSyntax> criteria;
};

struct RuleSyntax {
  Action action = Action::Allow;
  codec::Position at;
  std::vector<BlockSyntax> blocks;
};

struct PolicySyntax {
  std::vector<RuleSyntax> rules;
};

// Whether keywords may be written in any case, as in a configuration file, or only as specified, as
// in a record. Claim names keep their case either way.
enum class Keywords : std::uint8_t { Exact, AnyCase };

// Every problem is reported; what could be read is returned beside them, so that its criteria can
// be checked in the same run.
struct Parsed {
  PolicySyntax policy;
  Problems problems;
};

Parsed parse_policy(const codec::Node& policy, Keywords keywords);

enum class TextFormat : std::uint8_t { Yaml, Json };

// Reads the text first. Its first error is the only problem then.
Parsed parse_policy_text(std::string_view text, TextFormat format, Keywords keywords);

}  // namespace vallum::policy
