#include "support/policy/naive_evaluator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "codec/base64.h"
#include "policy/ssh_key.h"
#include "policy/time_zone.h"
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

std::int64_t number(std::string_view digits) {
  return static_cast<std::int64_t>(parse_u64(digits).value_or(0));
}
int small(std::string_view digits) {
  return static_cast<int>(number(digits));
}

// "2026-03-02T09:30:00.5+01:00", as policies that compile write it.
WallTime naive_instant(const std::string& text) {
  std::tm parts{};
  parts.tm_year = small(text.substr(0, 4)) - 1900;
  parts.tm_mon = small(text.substr(5, 2)) - 1;
  parts.tm_mday = small(text.substr(8, 2));
  if (text.size() == 10) {
    return from_unix_seconds(timegm(&parts));
  }
  parts.tm_hour = small(text.substr(11, 2));
  parts.tm_min = small(text.substr(14, 2));
  const std::size_t end = std::min(text.find_first_of("Zz+-", 16), text.size());
  Duration fraction = Duration::zero();
  if (end > 16) {
    parts.tm_sec = small(text.substr(17, 2));
    std::string digits = end > 19 ? text.substr(20, end - 20) : std::string();
    digits.resize(9, '0');
    fraction = Duration(number(digits));
  }
  Duration offset = Duration::zero();
  if (end + 2 < text.size()) {
    std::string digits = text.substr(end + 1);
    std::erase(digits, ':');
    digits.resize(4, '0');
    offset = std::chrono::hours(number(digits.substr(0, 2))) +
             std::chrono::minutes(number(digits.substr(2)));
  }
  return from_unix_seconds(timegm(&parts)) + fraction - (text[end] == '-' ? -offset : offset);
}

std::string naive_day(std::int64_t days_since_1970) {
  constexpr std::array<std::string_view, 7> kFromThursday{
      "thu", "fri", "sat", "sun", "mon", "tue", "wed"};
  return std::string(kFromThursday[static_cast<std::size_t>(days_since_1970 % 7)]);
}

std::set<std::string> naive_days(const std::string& first, const std::string& last) {
  int day = 0;
  while (naive_day(day) != first) {
    ++day;
  }
  std::set<std::string> days{last};
  for (; naive_day(day) != last; ++day) {
    days.insert(naive_day(day));
  }
  return days;
}

// "3:04 PM", as policies that compile write it.
Duration naive_time(const std::string& text) {
  const std::string lower = to_lower(text);
  std::string digits = lower.substr(0, lower.find_first_of("ap"));
  std::erase(digits, ' ');
  const std::vector<std::string_view> parts = split(digits, ':');
  std::int64_t hour = number(parts[0]);
  if (lower.find('m') != std::string::npos) {
    hour = hour % 12 + (lower.find('p') != std::string::npos ? 12 : 0);
  }
  Duration time = std::chrono::hours(hour);
  if (parts.size() > 1) {
    time += std::chrono::minutes(number(parts[1]));
  }
  if (parts.size() > 2) {
    std::string nanoseconds(parts[2]);
    std::erase(nanoseconds, '.');
    nanoseconds.resize(11, '0');
    time += Duration(number(nanoseconds));
  }
  return time;
}

// The n-th Sunday of a month, or the last one for 0, as days since 1970.
std::int64_t sunday_of(int year, unsigned month, unsigned n) {
  using std::chrono::Sunday;
  using std::chrono::sys_days;
  const auto of = std::chrono::year(year) / std::chrono::month(month);
  const sys_days day = n == 0 ? sys_days(of / Sunday[std::chrono::last]) : sys_days(of / Sunday[n]);
  return day.time_since_epoch().count();
}

// The rules of the zones that generated policies name, since 2007, written out; other zones as the
// library has them.
Duration naive_clock(const std::string& zone, WallTime now) {
  using std::chrono::minutes;
  const std::int64_t at = unix_seconds(now);
  const int year = static_cast<int>(
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now)).year());
  const auto since = [&](std::int64_t day, std::int64_t hour) {
    return at >= day * 86400 + hour * 3600;
  };
  minutes offset(0);
  if (zone == "Europe/Berlin") {
    const bool summer = since(sunday_of(year, 3, 0), 1) && !since(sunday_of(year, 10, 0), 1);
    offset = minutes(summer ? 120 : 60);
  } else if (zone == "America/New_York") {
    const bool summer = since(sunday_of(year, 3, 2), 7) && !since(sunday_of(year, 11, 1), 6);
    offset = minutes(summer ? -240 : -300);
  } else if (zone == "Asia/Kolkata") {
    offset = minutes(330);
  } else if (zone != "UTC") {
    return policy::TimeZone::find(zone)->time_of_day(now);
  }
  return std::chrono::seconds(at - at / 86400 * 86400 + 86400 +
                              std::chrono::seconds(offset).count()) %
         std::chrono::hours(24);
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
    if (name == "pomerium_routes") {
      return {.value = false, .reason = "non-pomerium-route", .device_type = {}};
    }
    const std::set<std::string> of_session{"authenticated_user",
                                           "user",
                                           "email",
                                           "domain",
                                           "claim",
                                           "groups",
                                           "record",
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
    if (!name.starts_with("ssh_")) {
      return commercial(name, operand);
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

  bool commercial(const std::string& name, const Node& operand) const {
    if (name == "date") {
      return date(operand);
    }
    if (name == "day_of_week") {
      return day_of_week(operand.is_map() ? *field(operand, "is") : operand);
    }
    if (name == "time_of_day") {
      return time_of_day(operand);
    }
    return record(operand);
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
      const auto some_name = [&](const Node& matcher) {
        return std::ranges::any_of(
            names, [&](const std::string& san) { return string_matches(matcher, san); });
      };
      if (wanted.is_map() && wanted.members().empty()) {
        return true;
      }
      if (!wanted.is_map() || options_.quirks == policy::Quirks::Required) {
        return some_name(wanted);
      }
      return std::ranges::all_of(wanted.members(), [&](const Node::Member& member) {
        return &member.value != wanted.find(member.key) || some_name(Node::map({member}));
      });
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

  bool date(const Node& operand) const {
    const std::optional<WallTime> now = instant_of(input_);
    const Node* after = field(operand, "after");
    const Node* before = field(operand, "before");
    return now && (after == nullptr || naive_instant(after->text()) < *now) &&
           (before == nullptr || *now < naive_instant(before->text()));
  }

  // Counts the days from a Thursday, and the names by their first three letters.
  bool day_of_week(const Node& operand) const {
    const std::optional<WallTime> now = instant_of(input_);
    if (!now) {
      return false;
    }
    const std::string today = naive_day(unix_seconds(*now) / 86400);
    return std::ranges::any_of(split(operand.text(), ','), [&](std::string_view part) {
      const std::vector<std::string_view> ends = split(part, '-');
      const std::string first = to_lower(trim_space(ends.front())).substr(0, 3);
      const std::string last = to_lower(trim_space(ends.back())).substr(0, 3);
      return first == "*" || naive_days(first, last).contains(today);
    });
  }

  bool time_of_day(const Node& operand) const {
    const std::optional<WallTime> now = instant_of(input_);
    if (!now) {
      return false;
    }
    const Duration time = naive_clock(field(operand, "timezone")->text(), *now);
    const Node* after = field(operand, "after");
    const Node* before = field(operand, "before");
    const bool is_after = after == nullptr || naive_time(after->text()) < time;
    const bool is_before = before == nullptr || time < naive_time(before->text());
    const bool over_midnight = after != nullptr && before != nullptr &&
                               naive_time(before->text()) < naive_time(after->text());
    return over_midnight ? is_after || is_before : is_after && is_before;
  }

  bool record(const Node& operand) const {
    const Node* records = find_given(&input_, "own_records");
    const Node* own = records == nullptr ? nullptr : records->find(field(operand, "type")->text());
    if (own == nullptr) {
      return false;
    }
    const Node* name = field(operand, "field");
    const Node* value = name == nullptr ? nullptr : own->find(name->text());
    const Node* exists = field(operand, "exists");
    const bool is_there = name == nullptr ? own->is_map() : value != nullptr;
    if (exists != nullptr && exists->as_bool() != is_there) {
      return false;
    }
    return all_conditions(operand, [&](const std::string& key, const Node& wanted) {
      if (key == "type" || key == "field" || key == "exists") {
        return true;
      }
      return value != nullptr &&
             field_holds(
                 key, wanted, value->is_list() ? value->items() : std::vector<Node>{*value});
    });
  }

  bool field_holds(const std::string& key,
                   const Node& wanted,
                   const std::vector<Node>& values) const {
    if (key == "has" || key == "exclude") {
      return contains(values, wanted) == (key == "has");
    }
    if (values.size() != 1) {
      return false;
    }
    const Node& value = values.front();
    if (key == "is" || key == "=" || key == "not") {
      return value.equals(wanted) == (key != "not");
    }
    if (key == "in" || key == "not_in") {
      return contains(wanted.items(), value) == (key == "in");
    }
    if (key.size() > 2) {
      return value.is_string() &&
             string_matches(Node::map({{.key = key, .position = {}, .value = wanted}}),
                            Text(value.text()));
    }
    const bool has_order = value.is_string() || value.kind() == Node::Kind::Number;
    if (value.kind() != wanted.kind() || !has_order) {
      return false;
    }
    const bool equal = value.equals(wanted);
    const bool less = value.is_string() ? value.text() < wanted.text()
                                        : std::strtold(value.text().c_str(), nullptr) <
                                              std::strtold(wanted.text().c_str(), nullptr);
    if (equal) {
      return key.ends_with('=');
    }
    return less == key.starts_with('<');
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
    const bool like_reference = options_.quirks == policy::Quirks::AsReference;
    if (who_.session == nullptr && !like_reference) {
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
    answer.value =
        (credential != nullptr || (like_reference && wanted_type == nullptr)) &&
        (approval == nullptr || is_truthy(*approval) == approved) &&
        (is == nullptr || (credential != nullptr && is->text() == text_of(credential, "id")));
    answer.reason = answer.value              ? "device-ok"
                    : who_.session == nullptr ? "user-unauthenticated"
                    : enrollment != nullptr   ? "device-unauthorized"
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
