#include "support/policy/naive_evaluator.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "codec/base64.h"
#include "policy/ssh_key.h"
#include "support/policy/certificate_reader.h"
#include "support/policy/situation.h"

namespace vallum::testing {

namespace {

using codec::Node;
using policy::Action;
using policy::CriterionSyntax;
using policy::Keywords;
using policy::Logic;

using Text = std::optional<std::string>;

struct Answer {
  bool value = false;
  std::string reason;
  Text device_type;
};

Node string_node(std::string_view text) {
  return Node::string(std::string(text));
}

class Naive {
 public:
  Naive(const Node& input, const policy::CompileOptions& options)
      : input_(input), options_(options), who_(identify(input)), http_(input.find("http")) {}

  NaiveVerdict action(const policy::PolicySyntax& policy, Action action) {
    std::vector<NaiveVerdict> blocks;
    for (const policy::RuleSyntax& rule : policy.rules) {
      if (rule.action != action) {
        continue;
      }
      for (const policy::BlockSyntax& block : rule.blocks) {
        blocks.push_back(this->block(block));
      }
    }
    if (action == Action::Deny && options_.deny_invalid_client_certificate) {
      const Answer invalid = invalid_client_certificate();
      blocks.push_back({.value = invalid.value, .reasons = {invalid.reason}, .device_types = {}});
    }
    return combine(blocks, Logic::Or);
  }

 private:
  static NaiveVerdict combine(const std::vector<NaiveVerdict>& parts, Logic logic) {
    const auto holds = [](const NaiveVerdict& part) { return part.value; };
    NaiveVerdict all;
    all.value =
        logic == Logic::And ? std::ranges::all_of(parts, holds) : std::ranges::any_of(parts, holds);
    for (const NaiveVerdict& part : parts) {
      if (part.value == all.value) {
        all.reasons.insert(part.reasons.begin(), part.reasons.end());
        all.device_types.insert(part.device_types.begin(), part.device_types.end());
      }
    }
    return all;
  }

  NaiveVerdict block(const policy::BlockSyntax& block) {
    const bool inverted = block.logic == Logic::Not || block.logic == Logic::Nor;
    std::vector<NaiveVerdict> parts;
    for (const CriterionSyntax& syntax : block.criteria) {
      const Answer answer = criterion(syntax);
      NaiveVerdict part{
          .value = answer.value != inverted, .reasons = {answer.reason}, .device_types = {}};
      if (answer.device_type) {
        part.device_types.insert(*answer.device_type);
      }
      parts.push_back(part);
    }
    const bool every = block.logic == Logic::And || block.logic == Logic::Not;
    return combine(parts, every ? Logic::And : Logic::Or);
  }

  Answer criterion(const CriterionSyntax& syntax) {
    const std::string& name = syntax.name;
    if (name == "accept") {
      return {.value = true, .reason = "accept", .device_type = {}};
    }
    if (name == "reject") {
      return {.value = false, .reason = "reject", .device_type = {}};
    }
    if (name == "invalid_client_certificate") {
      return invalid_client_certificate();
    }
    if (name == "device") {
      return device(syntax.operand);
    }
    if (name == "mcp_tool") {
      return mcp_tool(syntax.operand);
    }
    if (name == "cors_preflight") {
      const bool preflight = is_preflight();
      return {preflight, preflight ? "cors-request" : "non-cors-request", {}};
    }
    const std::set<std::string> of_session{"authenticated_user",
                                           "user",
                                           "email",
                                           "domain",
                                           "claim",
                                           "groups",
                                           "ssh_username_matches_email",
                                           "ssh_username_matches_claim"};
    if (of_session.contains(name) && who_.session == nullptr) {
      return {.value = false, .reason = "user-unauthenticated", .device_type = {}};
    }
    const bool value = holds(syntax);
    return {value, reason_stem(name) + (value ? "-ok" : "-unauthorized"), {}};
  }

  static std::string reason_stem(const std::string& name) {
    if (name == "authenticated_user") {
      return "user";
    }
    if (name == "ssh_ca") {
      return "ssh-publickey";
    }
    if (name.starts_with("ssh_username")) {
      return "ssh-username";
    }
    std::string stem = name;
    std::ranges::replace(stem, '_', '-');
    return stem;
  }

  bool holds(const CriterionSyntax& syntax) {
    const std::string& name = syntax.name;
    const Node& operand = syntax.operand;
    if (name == "authenticated_user") {
      return user_id().has_value();
    }
    if (name == "user") {
      return string_matches(operand, user_id());
    }
    if (name == "email") {
      return string_matches(operand, email());
    }
    if (name == "domain") {
      const std::vector<std::string> pieces = split_at(email());
      return string_matches(operand, pieces.size() < 2 ? Text() : Text(pieces[1]));
    }
    if (name == "claim") {
      return list_matches(operand, claim(syntax.subpath, options_.keywords == Keywords::AnyCase));
    }
    if (name == "groups") {
      return who_.in_directory && list_matches(operand, items_of(who_.groups));
    }
    if (name == "http_method") {
      return string_matches(operand, Text(text_of(http_, "method")));
    }
    if (name == "http_path") {
      return string_matches(operand, Text(text_of(http_, "path")));
    }
    if (name == "source_ip") {
      return source_ip(operand);
    }
    if (name == "client_certificate") {
      return client_certificate(operand);
    }
    const Node* ssh = find_given(&input_, "ssh");
    const std::string user_name(text_of(ssh, "username"));
    if (name == "ssh_publickey") {
      const Text key = policy::parse_authorized_key(text_of(ssh, "public_key"));
      return key && key_listed(operand, *key);
    }
    if (name == "ssh_ca") {
      return ssh_ca(operand, user_name);
    }
    if (name == "ssh_username") {
      return string_matches(operand, user_name);
    }
    if (name == "ssh_username_matches_email") {
      return !user_name.empty() && split_at(email()).front() == user_name;
    }
    const std::vector<Node> values = claim(operand.text(), false);
    return !user_name.empty() && contains(values, string_node(user_name));
  }

  static bool contains(const std::vector<Node>& list, const Node& wanted) {
    return std::ranges::any_of(list, [&](const Node& item) { return item.equals(wanted); });
  }

  static std::vector<Node> items_of(const Node* list) {
    return list == nullptr ? std::vector<Node>() : list->items();
  }

  std::string operator_name(const std::string& key) const {
    return options_.keywords == Keywords::AnyCase ? to_lower(key) : key;
  }

  // Of equal keys the last counts.
  template <class Condition>
  bool all_conditions(const Node& operand, Condition condition) const {
    return std::ranges::all_of(operand.members(), [&](const Node::Member& member) {
      return &member.value != operand.find(member.key) ||
             condition(operator_name(member.key), member.value);
    });
  }

  bool string_matches(const Node& operand, const Text& subject) const {
    if (!subject) {
      return false;
    }
    const Node value = string_node(*subject);
    if (!operand.is_map()) {
      return operand.equals(value);
    }
    return all_conditions(operand, [&](const std::string& name, const Node& wanted) {
      if (name == "is") {
        return wanted.equals(value);
      }
      if (name == "not") {
        return !wanted.equals(value);
      }
      if (name == "contains") {
        return subject->find(wanted.text()) != std::string::npos;
      }
      if (name == "starts_with") {
        return subject->starts_with(wanted.text());
      }
      if (name == "ends_with") {
        return subject->ends_with(wanted.text());
      }
      return contains(wanted.items(), value) == (name == "in");
    });
  }

  bool list_matches(const Node& operand, const std::vector<Node>& list) const {
    if (!operand.is_map()) {
      return contains(list, operand);
    }
    return all_conditions(operand, [&](const std::string& name, const Node& wanted) {
      if (name == "has") {
        return contains(list, wanted);
      }
      if (name == "is") {
        return list.size() == 1 && list.front().equals(wanted);
      }
      return !contains(list, wanted);
    });
  }

  Text user_id() const {
    const std::string_view id = text_of(who_.session, "user_id");
    return id.empty() ? Text() : Text(id);
  }

  std::string email() const {
    return who_.directory_email.empty() ? std::string(text_of(who_.user, "email"))
                                        : who_.directory_email;
  }

  static std::vector<std::string> split_at(const std::string& email) {
    const std::vector<std::string_view> pieces = split(email, '@');
    return {pieces.begin(), pieces.end()};
  }

  std::vector<Node> claim(const std::string& name, bool try_folded) const {
    for (const std::string& wanted : {name, try_folded ? to_lower(name) : name}) {
      for (const Node* owner : {who_.user, who_.session}) {
        const Node* claims = find_given(owner, "claims");
        const Node* found = claims == nullptr ? nullptr : claims->find(wanted);
        if (found != nullptr) {
          return found->is_list() ? found->items() : std::vector<Node>{*found};
        }
      }
    }
    return {};
  }

  bool is_preflight() const {
    const Node* headers = find_given(http_, "headers");
    return text_of(http_, "method") == "OPTIONS" && !text_of(headers, "Origin").empty() &&
           !text_of(headers, "Access-Control-Request-Method").empty();
  }

  bool source_ip(const Node& operand) const {
    const std::optional<IpAddress> address = IpAddress::parse(text_of(http_, "ip"));
    const std::vector<Node> networks =
        operand.is_list() ? operand.items() : std::vector<Node>{operand};
    return address && std::ranges::any_of(networks, [&](const Node& network) {
             return IpPrefix::parse(network.text())->contains(*address);
           });
  }

  bool certificate_flag(std::string_view key) const {
    const Node* value = find_given(find_given(http_, "client_certificate"), key);
    return value != nullptr && value->is_bool() && value->as_bool();
  }

  Answer invalid_client_certificate() const {
    if (find_given(http_, "client_certificate") == nullptr || certificate_flag("valid")) {
      return {.value = false, .reason = "valid-client-certificate", .device_type = {}};
    }
    return {true,
            certificate_flag("presented") ? "invalid-client-certificate"
                                          : "client-certificate-required",
            {}};
  }

  static bool listed(const Node& operand, const std::vector<std::string>& spellings) {
    const std::vector<Node> wanted =
        operand.is_list() ? operand.items() : std::vector<Node>{operand};
    return std::ranges::any_of(wanted, [&](const Node& node) {
      return std::ranges::find(spellings, node.text()) != spellings.end();
    });
  }

  static std::string with_colons(const std::string& hex) {
    std::string text;
    for (std::size_t i = 0; i < hex.size(); ++i) {
      text.append(i > 0 && i % 2 == 0 ? ":" : "");
      text.push_back(hex[i] >= 'a' ? static_cast<char>(hex[i] - 'a' + 'A') : hex[i]);
    }
    return text;
  }

  bool client_certificate(const Node& operand) const {
    const auto leaf = read_leaf(text_of(find_given(http_, "client_certificate"), "leaf"));
    if (!leaf) {
      return false;
    }
    return all_conditions(operand, [&](const std::string& name, const Node& wanted) {
      if (name == "fingerprint") {
        const std::string hex = to_hex(leaf->fingerprint);
        return listed(wanted, {hex, with_colons(hex)});
      }
      if (name == "spki_hash") {
        return listed(wanted, {codec::encode_base64(leaf->spki_hash, codec::Base64::Std)});
      }
      const std::vector<std::string>& names = name == "san_email" ? leaf->san_email
                                              : name == "san_dns" ? leaf->san_dns
                                                                  : leaf->san_uri;
      return (wanted.is_map() && wanted.members().empty()) ||
             std::ranges::any_of(
                 names, [&](const std::string& san) { return string_matches(wanted, san); });
    });
  }

  static bool key_listed(const Node& operand, const std::string& wire) {
    const std::vector<Node> keys = operand.is_list() ? operand.items() : std::vector<Node>{operand};
    return std::ranges::any_of(
        keys, [&](const Node& key) { return policy::parse_authorized_key(key.text()) == wire; });
  }

  bool ssh_ca(const Node& operand, const std::string& user_name) const {
    const Situation situation(input_);
    const policy::SshCertificateFacts* certificate = situation.facts().ssh.certificate;
    const bool lenient = options_.ssh_ca_checks == policy::SshCaChecks::AsReference;
    if (certificate == nullptr || !certificate->is_user_certificate ||
        !certificate->in_validity_period || certificate->has_unknown_critical_option ||
        user_name.empty()) {
      return false;
    }
    const bool named = certificate->principals.empty()
                           ? lenient
                           : std::ranges::count(certificate->principals, user_name) > 0;
    bool from_there = lenient || !certificate->source_addresses;
    if (!from_there) {
      const std::optional<IpAddress> address = IpAddress::parse(text_of(http_, "ip"));
      for (const IpPrefix& prefix : *certificate->source_addresses) {
        from_there = from_there || (address && prefix.contains(*address));
      }
    }
    return named && from_there && key_listed(operand, std::string(certificate->signature_key));
  }

  Answer mcp_tool(const Node& operand) const {
    const Node* mcp = find_given(&input_, "mcp");
    if (text_of(mcp, "method") != "tools/call") {
      return {.value = false, .reason = "mcp-not-a-tool-call", .device_type = {}};
    }
    const Node* name = find_given(find_given(mcp, "tool_call"), "name");
    const bool anything = operand.is_map() && operand.members().empty();
    const bool value = anything || (name != nullptr && string_matches(operand, Text(name->text())));
    return {value, value ? "mcp-tool-match" : "mcp-tool-no-match", {}};
  }

  const Node* device_record(std::string_view kind, std::string_view id) const {
    const Node* list = find_given(find_given(&input_, "devices"), kind);
    if (list != nullptr && !id.empty()) {
      for (const Node& record : list->items()) {
        if (text_of(&record, "id") == id) {
          return &record;
        }
      }
    }
    return nullptr;
  }

  static bool is_truthy(const Node& node) {
    return !(node.is_null() || node.equals(Node::boolean(false)) ||
             node.equals(Node::number("0")) || node.equals(Node::string("")));
  }

  const Node* field(const Node& operand, std::string_view name) const {
    const Node* found = nullptr;
    for (const Node::Member& member : operand.members()) {
      if (operator_name(member.key) == name) {
        found = &member.value;
      }
    }
    return found;
  }

  Answer device(const Node& operand) const {
    const Node* wanted_type = field(operand, "type");
    Answer answer;
    answer.device_type = wanted_type == nullptr ? "any" : wanted_type->text();
    answer.reason = "user-unauthenticated";
    if (who_.session == nullptr) {
      return answer;
    }
    const Node* credential = nullptr;
    const Node* entries = find_given(who_.session, "device_credentials");
    for (const Node& entry : items_of(entries)) {
      if (!text_of(&entry, "id").empty() && text_of(&entry, "type_id") == *answer.device_type) {
        credential = device_record("credentials", text_of(&entry, "id"));
        break;
      }
    }
    const Node* enrollment = device_record("enrollments", text_of(credential, "enrollment_id"));
    const bool approved = !text_of(enrollment, "approved_by").empty();
    const Node* approval = field(operand, "approved");
    const Node* is = field(operand, "is");
    answer.value = credential != nullptr &&
                   (approval == nullptr || is_truthy(*approval) == approved) &&
                   (is == nullptr || is->text() == text_of(credential, "id"));
    answer.reason = answer.value            ? "device-ok"
                    : enrollment != nullptr ? "device-unauthorized"
                                            : "device-unauthenticated";
    return answer;
  }

  const Node& input_;
  const policy::CompileOptions& options_;
  const Identity who_;
  const Node* http_;
};

std::string compare(const char* action,
                    const NaiveVerdict& naive,
                    const policy::Verdict& compiled) {
  std::set<std::string> reasons;
  for (const policy::Reason reason : compiled.reasons) {
    reasons.emplace(to_string(reason));
  }
  const std::string device_type =
      naive.device_types.empty() ? std::string() : *naive.device_types.rbegin();
  std::string text;
  if (naive.value != compiled.value) {
    text.append(action).append(naive.value ? " is true; " : " is false; ");
  }
  if (naive.reasons != reasons) {
    text.append(action).append(" has the reasons");
    for (const std::string& reason : naive.reasons) {
      text.append(" ").append(reason);
    }
    text.append("; ");
  }
  if (device_type != compiled.device_type) {
    text.append(action).append(" has the device type ").append(device_type).append("; ");
  }
  return text;
}

}  // namespace

NaiveDecision decide_naively(const policy::PolicySyntax& policy,
                             const Node& input,
                             const policy::CompileOptions& options) {
  Naive naive(input, options);
  return {.allow = naive.action(policy, Action::Allow), .deny = naive.action(policy, Action::Deny)};
}

std::string difference(const NaiveDecision& naive, const policy::Decision& compiled) {
  return compare("allow", naive.allow, compiled.allow) + compare("deny", naive.deny, compiled.deny);
}

}  // namespace vallum::testing
