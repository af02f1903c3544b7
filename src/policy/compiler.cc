#include "policy/compiler.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "policy/assembler.h"
#include "policy/criterion.h"
#include "policy/limits.h"

namespace vallum::policy {

namespace {

struct Block {
  Logic logic = Logic::Or;
  std::vector<Criterion> criteria;
};

struct Checked {
  std::vector<Block> allow;
  std::vector<Block> deny;
};

// A criterion that is false for everybody without a session in every product that reads this
// language, and so guards its neighbours under "and".
bool needs_session(const Criterion& criterion) {
  return criterion.kind == CriterionKind::AuthenticatedUser ||
         criterion.kind == CriterionKind::User || criterion.kind == CriterionKind::Domain ||
         criterion.kind == CriterionKind::Groups;
}

bool is_available(const Criterion& criterion, const FactSources& sources) {
  switch (criterion.kind) {
    case CriterionKind::ClientCertificate:
    case CriterionKind::InvalidClientCertificate:
      return sources.client_certificate;
    case CriterionKind::Device:
      return sources.device;
    case CriterionKind::McpTool:
      return sources.mcp;
    case CriterionKind::SshPublickey:
    case CriterionKind::SshCa:
    case CriterionKind::SshUsername:
    case CriterionKind::SshUsernameMatchesEmail:
    case CriterionKind::SshUsernameMatchesClaim:
      return sources.ssh;
    case CriterionKind::Record:
      return sources.all_records ||
             find_source(sources.records, std::get<RecordMatcher>(criterion.data).type) != nullptr;
    case CriterionKind::Accept:
    case CriterionKind::Reject:
    case CriterionKind::AuthenticatedUser:
    case CriterionKind::User:
    case CriterionKind::Email:
    case CriterionKind::Domain:
    case CriterionKind::Claim:
    case CriterionKind::Groups:
    case CriterionKind::HttpMethod:
    case CriterionKind::HttpPath:
    case CriterionKind::CorsPreflight:
    case CriterionKind::SourceIp:
    case CriterionKind::Date:
    case CriterionKind::DayOfWeek:
    case CriterionKind::TimeOfDay:
    case CriterionKind::PomeriumRoutes:
      break;
  }
  return true;
}

std::string why_unavailable(const Criterion& criterion) {
  if (criterion.kind == CriterionKind::Record) {
    return "record: nobody says whose the records of type '" +
           std::get<RecordMatcher>(criterion.data).type + "' are: name the type in policy_records";
  }
  return std::string("criterion ")
      .append(to_string(criterion.kind))
      .append(" is not available in this version");
}

// Whether the empty e-mail address, or a claim without values, satisfies the criterion.
bool matches_nothing_given(const Criterion& criterion) {
  if (criterion.kind == CriterionKind::Claim) {
    const Matcher& matcher = std::get<ClaimMatcher>(criterion.data).matcher;
    return std::ranges::all_of(
        matcher, [](const Condition& c) { return c.comparison == Comparison::Excludes; });
  }
  if (criterion.kind != CriterionKind::Email) {
    return false;
  }
  const auto is_empty_string = [](const Constant& constant) {
    return constant.kind == Value::Kind::String && constant.text.empty();
  };
  return std::ranges::all_of(std::get<Matcher>(criterion.data), [&](const Condition& condition) {
    const bool names_empty = std::ranges::any_of(condition.operands, is_empty_string);
    const bool negative =
        condition.comparison == Comparison::IsNot || condition.comparison == Comparison::NotIn;
    return negative != names_empty;
  });
}

// Whether the reference product, which compares a criterion about the request with every value of
// the request, finds one that satisfies it whatever was asked for.
bool held_for_any_request(const Criterion& criterion) {
  if (criterion.kind != CriterionKind::HttpMethod && criterion.kind != CriterionKind::HttpPath) {
    return false;
  }
  const auto& matcher = std::get<Matcher>(criterion.data);
  const auto is_met_somewhere = [](const Condition& condition) {
    return condition.comparison == Comparison::IsNot || condition.comparison == Comparison::NotIn ||
           (condition.comparison == Comparison::Is &&
            condition.operands.front().kind == Value::Kind::Null);
  };
  return !matcher.empty() && std::ranges::all_of(matcher, is_met_somewhere);
}

class Check {
 public:
  Check(Parsed parsed, const CompileOptions& options)
      : parsed_(std::move(parsed)), options_(options), problems_(std::move(parsed_.problems)) {}

  Checked run() {
    std::size_t criteria = 0;
    for (const RuleSyntax& rule : parsed_.policy.rules) {
      for (const BlockSyntax& block : rule.blocks) {
        criteria += block.criteria.size();
        if (criteria > kCriteriaMax) {
          problems_.push_back({ProblemCode::TooLarge,
                               block.at,
                               "a policy has at most " + std::to_string(kCriteriaMax) +
                                   " criteria: use in: [...] for lists of values"});
          return {};
        }
        add(rule.action, block);
      }
    }
    if (options_.deny_invalid_client_certificate) {
      checked_.deny.push_back(
          {.logic = Logic::Or,
           .criteria = {{.kind = CriterionKind::InvalidClientCertificate, .at = {}, .data = {}}}});
    }
    return std::move(checked_);
  }

  Problems problems() && {
    const auto place = [](const Problem& p) {
      return std::tuple(p.at.line, p.at.column, p.code, std::string_view(p.text));
    };
    std::ranges::sort(problems_, {}, place);
    return std::move(problems_);
  }

 private:
  void add(Action action, const BlockSyntax& syntax) {
    Block block{.logic = syntax.logic, .criteria = {}};
    for (const CriterionSyntax& criterion : syntax.criteria) {
      auto checked = check_criterion(criterion, options_.keywords, problems_);
      if (!checked) {
        continue;
      }
      if (!is_available(*checked, options_.sources)) {
        problems_.push_back(
            {ProblemCode::CriterionNotAvailable, checked->at, why_unavailable(*checked)});
        continue;
      }
      block.criteria.push_back(*std::move(checked));
    }
    warn_about_quirks(action, block);
    (action == Action::Allow ? checked_.allow : checked_.deny).push_back(std::move(block));
  }

  void warn(ProblemCode code, const Criterion& criterion, std::string_view text) {
    problems_.push_back({code,
                         criterion.at,
                         std::string(to_string(criterion.kind)).append(" ").append(text),
                         Severity::Warning});
  }

  void warn_about_quirks(Action action, const Block& block) {
    // A deny that anonymous users no longer meet leads them to sign-in, where they meet it.
    const bool guarded =
        action == Action::Deny ||
        (block.logic == Logic::And && std::ranges::any_of(block.criteria, needs_session));
    for (const Criterion& criterion : block.criteria) {
      if (!guarded && matches_nothing_given(criterion)) {
        warn(ProblemCode::NegativeMatchWithoutSession,
             criterion,
             "holds only for somebody who is signed in: say authenticated_user beside it if that "
             "is meant, it used to hold for anybody");
      }
      if (held_for_any_request(criterion)) {
        warn(ProblemCode::HttpFieldOvermatch,
             criterion,
             "is compared with that part of the request alone: written like this it used to hold "
             "for every request");
      }
      if (options_.quirks == Quirks::Required) {
        warn_about_offered_quirks(criterion);
      }
    }
  }

  // Those that policy_quirks: reference brings back.
  void warn_about_offered_quirks(const Criterion& criterion) {
    if (const auto* device = std::get_if<DeviceMatcher>(&criterion.data);
        device != nullptr && !device->is && !device->type && !device->approved.value_or(false)) {
      warn(ProblemCode::DeviceWithoutDevice,
           criterion,
           "holds only for a registered device: it used to hold without");
    }
    if (const auto* certificate = std::get_if<CertificateMatcher>(&criterion.data);
        certificate != nullptr && std::max({certificate->san_email.size(),
                                            certificate->san_dns.size(),
                                            certificate->san_uri.size()}) > 1) {
      warn(ProblemCode::SanOperatorsIndependent,
           criterion,
           "asks for one name that meets all conditions of its type: each used to be met by any "
           "name");
    }
  }

  Parsed parsed_;
  const CompileOptions& options_;
  Problems problems_;
  Checked checked_;
};

// Under "or", a criterion contributes its one reason whichever of its values matched; so criteria
// that differ in their values only are one criterion over the set of them. "not" is the mirror
// image (De Morgan), with the reasons of the same criteria.
class Merger {
 public:
  // Leaves the criteria that could not be joined as they are, in order.
  static std::vector<Criterion> merge(std::vector<Criterion> criteria) {
    Merger merger;
    for (Criterion& criterion : criteria) {
      merger.add(std::move(criterion));
    }
    return std::move(merger.merged_);
  }

 private:
  void add(Criterion criterion) {
    const std::optional<std::string> key = key_of(criterion);
    if (key) {
      const auto [place, is_new] = places_.try_emplace(*key, merged_.size());
      if (!is_new) {
        join(merged_[place->second], std::move(criterion));
        return;
      }
    }
    merged_.push_back(std::move(criterion));
  }

  static bool is_one_of(const Matcher& matcher) {
    return matcher.size() == 1 &&
           (matcher[0].comparison == Comparison::Is || matcher[0].comparison == Comparison::In ||
            matcher[0].comparison == Comparison::Has ||
            matcher[0].comparison == Comparison::HasAny);
  }

  // Criteria of one key can be joined.
  static std::optional<std::string> key_of(const Criterion& criterion) {
    std::string key(to_string(criterion.kind));
    if (const auto* matcher = std::get_if<Matcher>(&criterion.data)) {
      return is_one_of(*matcher) ? std::optional(key) : std::nullopt;
    }
    if (const auto* claim = std::get_if<ClaimMatcher>(&criterion.data)) {
      key.append("/").append(claim->claim.name).append("\n").append(claim->claim.folded);
      return is_one_of(claim->matcher) ? std::optional(key) : std::nullopt;
    }
    const bool joinable = std::holds_alternative<std::monostate>(criterion.data) ||
                          std::holds_alternative<Networks>(criterion.data) ||
                          std::holds_alternative<SshKeys>(criterion.data);
    return joinable ? std::optional(key) : std::nullopt;
  }

  static void join(Matcher& into, Matcher&& from) {
    Condition& condition = into[0];
    const bool list =
        condition.comparison == Comparison::Has || condition.comparison == Comparison::HasAny;
    condition.comparison = list ? Comparison::HasAny : Comparison::In;
    std::ranges::move(from[0].operands, std::back_inserter(condition.operands));
  }

  static void join(Criterion& into, Criterion&& from) {
    if (auto* matcher = std::get_if<Matcher>(&into.data)) {
      join(*matcher, std::move(std::get<Matcher>(from.data)));
    } else if (auto* claim = std::get_if<ClaimMatcher>(&into.data)) {
      join(claim->matcher, std::move(std::get<ClaimMatcher>(from.data).matcher));
    } else if (auto* networks = std::get_if<Networks>(&into.data)) {
      std::ranges::copy(std::get<Networks>(from.data), std::back_inserter(*networks));
    } else if (auto* keys = std::get_if<SshKeys>(&into.data)) {
      std::ranges::move(std::get<SshKeys>(from.data), std::back_inserter(*keys));
    }
  }

  std::vector<Criterion> merged_;
  std::unordered_map<std::string, std::size_t> places_;
};

// The blocks of one action are joined by "or". So all "or" blocks, and every block of one
// criterion, are one "or" block; and all "nor" blocks, which join inverted criteria by "or", are
// one "nor" block.
std::vector<Block> flatten(std::vector<Block> blocks) {
  Block any{.logic = Logic::Or, .criteria = {}};
  Block any_inverted{.logic = Logic::Nor, .criteria = {}};
  std::vector<Block> rest;
  for (Block& block : blocks) {
    const bool inverted = block.logic == Logic::Not || block.logic == Logic::Nor;
    const bool single = block.criteria.size() == 1;
    if (block.logic == Logic::Or || block.logic == Logic::Nor || single) {
      std::ranges::move(block.criteria,
                        std::back_inserter(inverted ? any_inverted.criteria : any.criteria));
    } else {
      if (block.logic == Logic::Not) {
        block.criteria = Merger::merge(std::move(block.criteria));
      }
      rest.push_back(std::move(block));
    }
  }
  any.criteria = Merger::merge(std::move(any.criteria));
  for (Block* block : {&any, &any_inverted}) {
    if (!block->criteria.empty()) {
      rest.push_back(std::move(*block));
    }
  }
  return rest;
}

void assemble(const std::vector<Block>& blocks, Assembler& assembler, std::vector<FlatBlock>& to) {
  for (const Block& block : blocks) {
    to.push_back(assembler.add_block(block.logic, block.criteria));
  }
}

}  // namespace

std::expected<Compiled, Problems> compile(Parsed parsed, const CompileOptions& options) {
  Check check(std::move(parsed), options);
  Checked checked = check.run();
  Problems problems = std::move(check).problems();
  if (has_errors(problems)) {
    return std::unexpected(std::move(problems));
  }
  if (options.merge) {
    checked.allow = flatten(std::move(checked.allow));
    checked.deny = flatten(std::move(checked.deny));
  }
  Assembler assembler(options);
  std::vector<FlatBlock> allow;
  std::vector<FlatBlock> deny;
  assemble(checked.allow, assembler, allow);
  assemble(checked.deny, assembler, deny);
  auto instructions = std::make_unique<Instructions>(std::move(assembler).finish());
  instructions->allow = std::move(allow);
  instructions->deny = std::move(deny);
  return Compiled{.program = Program(std::move(instructions)), .warnings = std::move(problems)};
}

}  // namespace vallum::policy
