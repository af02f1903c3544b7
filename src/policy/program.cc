#include "policy/program.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "policy/instructions.h"
#include "policy/kind_reasons.h"

namespace vallum::policy {

namespace {

struct Result {
  bool value = false;
  Reason reason = Reason::Reject;
};

// The results of several criteria or blocks, told apart by their value. Which side contributes
// reasons depends on the logic: policy specification 1.4. Each result has a reason, so a side
// without reasons was never reached.
class Sides {
 public:
  void add(bool value, ReasonSet reasons) { reasons_[value ? 1 : 0] |= reasons; }
  void add_device_type(bool value, std::string_view device_type) {
    std::string_view& greatest = device_types_[value ? 1 : 0];
    greatest = std::max(greatest, device_type);
  }

  bool has_false() const { return !reasons_[0].empty(); }
  ReasonSet false_reasons() const { return reasons_[0]; }

  // True when none was false.
  Verdict all() const { return verdict(reasons_[0].empty()); }
  // True when one was true.
  Verdict any() const { return verdict(!reasons_[1].empty()); }

 private:
  Verdict verdict(bool value) const {
    const std::size_t side = value ? 1 : 0;
    return {.value = value, .reasons = reasons_[side], .device_type = device_types_[side]};
  }

  std::array<ReasonSet, 2> reasons_;
  std::array<std::string_view, 2> device_types_;
};

template <class Element, class Matches>
bool probe(const Instructions& program,
           const ValueSet& set,
           std::uint32_t hash,
           const Element& element,
           Matches matches) {
  const std::span<const std::uint32_t> slots = slice(program.slots, set.slots);
  if (slots.empty()) {
    return false;
  }
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = hash & mask; slots[at] != 0; at = (at + 1) & mask) {
    if (matches(program.values[slots[at] - 1], element)) {
      return true;
    }
  }
  return false;
}

// A string that criteria ask about again and again. Hashed when first needed.
class Subject {
 public:
  // Does not exist: no condition holds.
  Subject() = default;
  explicit Subject(std::string_view text) : text_(text), exists_(true) {}

  bool exists() const { return exists_; }
  std::string_view text() const { return text_; }
  std::uint32_t hash() {
    if (!hashed_) {
      hash_ = Value::hash_of(text_);
      hashed_ = true;
    }
    return hash_;
  }

 private:
  std::string_view text_;
  std::uint32_t hash_ = 0;
  bool exists_ = false;
  bool hashed_ = false;
};

bool set_contains(const Instructions& program, const ValueSet& set, Subject& subject) {
  return probe(
      program, set, subject.hash(), subject.text(), [](const Value& v, std::string_view s) {
        return v.is(s);
      });
}

bool set_contains(const Instructions& program, const ValueSet& set, const Value& value) {
  return probe(
      program, set, value.hash(), value, [](const Value& a, const Value& b) { return a == b; });
}

// Says of most values that a list does not hold them, without looking through the list.
class HashFilter {
 public:
  void add(std::uint32_t hash) { words_[hash / 64 % words_.size()] |= bit(hash); }
  bool may_hold(std::uint32_t hash) const {
    return (words_[hash / 64 % words_.size()] & bit(hash)) != 0;
  }

 private:
  static std::uint64_t bit(std::uint32_t hash) { return std::uint64_t{1} << (hash % 64); }

  std::array<std::uint64_t, 8> words_{};
};

// The piece between the first and the second "@".
Subject domain_of(std::string_view email) {
  const std::size_t at = email.find('@');
  if (at == std::string_view::npos) {
    return {};
  }
  email.remove_prefix(at + 1);
  return Subject(email.substr(0, email.find('@')));
}

class Evaluation {
 public:
  Evaluation(const Instructions& program, const Facts& facts)
      : program_(program),
        facts_(facts),
        method_(facts.request.method),
        path_(facts.request.path),
        ssh_username_(facts.ssh.username) {
    if (facts.session == nullptr) {
      return;
    }
    const std::string_view email = facts.session->email();
    email_ = Subject(email);
    domain_ = domain_of(email);
    if (!facts.session->user_id.empty()) {
      user_ = Subject(facts.session->user_id);
    }
    if (program.filter_groups && facts.session->directory != nullptr) {
      for (const Value& group : facts.session->directory->groups) {
        group_filter_.add(group.hash());
      }
    }
  }

  Verdict run(const std::vector<FlatBlock>& blocks) {
    Sides sides;
    for (const FlatBlock& block : blocks) {
      const Verdict verdict = run(block, sides.false_reasons());
      sides.add(verdict.value, verdict.reasons);
      if (!verdict.device_type.empty()) {
        sides.add_device_type(verdict.value, verdict.device_type);
      }
    }
    return sides.any();
  }

 private:
  // `known` holds the reasons of the blocks before that were false. Once nothing that this block
  // can say when it is false is new, the first criterion that makes it false ends it.
  Verdict run(const FlatBlock& block, ReasonSet known) {
    const bool inverted = block.logic == Logic::Not || block.logic == Logic::Nor;
    const bool needs_all = block.logic == Logic::And || block.logic == Logic::Not;
    const ReasonSet possible =
        facts_.session == nullptr ? block.false_reasons_anonymous : block.false_reasons;
    const bool may_stop = needs_all && block.has_plain_reasons && (known | possible) == known;
    Sides sides;
    for (const FlatCriterion& criterion : slice(program_.criteria, block.criteria)) {
      const Result result = evaluate(criterion);
      sides.add(result.value != inverted, {result.reason});
      if (criterion.kind == CriterionKind::Device) {
        sides.add_device_type(result.value != inverted, program_.devices[criterion.detail].type);
      }
      if (may_stop && sides.has_false()) {
        break;
      }
    }
    return needs_all ? sides.all() : sides.any();
  }

  Result evaluate(const FlatCriterion& criterion) {
    const KindReasons& reasons = reasons_of(criterion.kind);
    // Nothing about a user holds without a session, whatever the matcher says.
    if (reasons.needs_session && facts_.session == nullptr) {
      return {false, Reason::UserUnauthenticated};
    }
    if (criterion.kind == CriterionKind::Device) {
      return device(program_.devices[criterion.detail]);
    }
    if (criterion.kind == CriterionKind::McpTool) {
      return mcp_tool(criterion);
    }
    if (criterion.kind == CriterionKind::InvalidClientCertificate) {
      return certificate_is_invalid();
    }
    const bool value = criterion.note == 0 ? holds(criterion) : holds_as_noted(criterion);
    return {value, value ? reasons.ok : reasons.not_ok};
  }

  bool holds_as_noted(const FlatCriterion& criterion) {
    Note& note = notes_[criterion.note];
    if (note == Note::Blank) {
      note = holds(criterion) ? Note::Holds : Note::HoldsNot;
    }
    return note == Note::Holds;
  }

  bool holds(const FlatCriterion& criterion) {
    switch (criterion.kind) {
      case CriterionKind::Accept:
        return true;
      case CriterionKind::Reject:
        return false;
      case CriterionKind::AuthenticatedUser:
        return user_.exists();
      case CriterionKind::User:
        return string_matches(criterion.conditions, user_);
      case CriterionKind::Email:
        return string_matches(criterion.conditions, email_);
      case CriterionKind::Domain:
        return string_matches(criterion.conditions, domain_);
      case CriterionKind::Claim:
        return list_matches(criterion, claim_values(criterion.detail));
      case CriterionKind::Groups:
        return groups_match(criterion);
      case CriterionKind::HttpMethod:
        return string_matches(criterion.conditions, method_);
      case CriterionKind::HttpPath:
        return string_matches(criterion.conditions, path_);
      case CriterionKind::CorsPreflight:
        return is_preflight();
      case CriterionKind::SourceIp:
        return address_matches(criterion.detail);
      case CriterionKind::ClientCertificate:
        return certificate_matches(criterion.detail);
      case CriterionKind::SshPublickey:
        return ssh_key_listed(criterion.detail, facts_.ssh.public_key);
      case CriterionKind::SshCa:
        return ssh_certificate_matches(criterion.detail);
      case CriterionKind::SshUsername:
        return string_matches(criterion.conditions, ssh_username_);
      case CriterionKind::SshUsernameMatchesEmail:
        return ssh_name_is_email();
      case CriterionKind::SshUsernameMatchesClaim:
        return ssh_name_is_claim(criterion.detail);
      case CriterionKind::Date:
        return date_matches(program_.dates[criterion.detail]);
      case CriterionKind::DayOfWeek:
        return day_matches(DaySet(criterion.detail));
      case CriterionKind::TimeOfDay:
        return time_matches(program_.times[criterion.detail]);
      case CriterionKind::Record:
        return record_matches(program_.records[criterion.detail]);
      case CriterionKind::PomeriumRoutes:
        return false;  // our own endpoints never get as far as a policy
      case CriterionKind::InvalidClientCertificate:
      case CriterionKind::Device:
      case CriterionKind::McpTool:
        break;  // have reasons of their own
    }
    return false;
  }

  bool string_matches(IndexRange conditions, Subject& subject) const {
    if (!subject.exists()) {
      return false;
    }
    for (const FlatCondition& condition : slice(program_.conditions, conditions)) {
      if (!holds(condition, subject)) {
        return false;
      }
    }
    return true;
  }

  bool is(const FlatCondition& condition, Subject& subject) const {
    return condition.hash == subject.hash() &&
           program_.values[condition.operand].is(subject.text());
  }

  bool holds(const FlatCondition& condition, Subject& subject) const {
    const std::string_view text = subject.text();
    switch (condition.comparison) {
      case Comparison::Is:
        return is(condition, subject);
      case Comparison::IsNot:
        return !is(condition, subject);
      case Comparison::Contains:
        return text.find(program_.values[condition.operand].text()) != std::string_view::npos;
      case Comparison::StartsWith:
        return text.starts_with(program_.values[condition.operand].text());
      case Comparison::EndsWith:
        return text.ends_with(program_.values[condition.operand].text());
      case Comparison::In:
        return set_contains(program_, program_.sets[condition.operand], subject);
      case Comparison::NotIn:
        return !set_contains(program_, program_.sets[condition.operand], subject);
      case Comparison::Has:
      case Comparison::HasAny:
      case Comparison::IsOnly:
      case Comparison::Excludes:
      case Comparison::Less:
      case Comparison::AtMost:
      case Comparison::AtLeast:
      case Comparison::Greater:
        break;  // of lists and of fields
    }
    return false;
  }

  bool list_matches(const FlatCriterion& criterion, std::span<const Value> list) const {
    for (const FlatCondition& condition : slice(program_.conditions, criterion.conditions)) {
      if (!holds(condition, list)) {
        return false;
      }
    }
    return true;
  }

  bool holds(const FlatCondition& condition, std::span<const Value> list) const {
    switch (condition.comparison) {
      case Comparison::Has:
        return std::ranges::find(list, program_.values[condition.operand]) != list.end();
      case Comparison::HasAny:
        return std::ranges::any_of(list, [&](const Value& value) {
          return set_contains(program_, program_.sets[condition.operand], value);
        });
      case Comparison::IsOnly:
        return list.size() == 1 && list.front() == program_.values[condition.operand];
      case Comparison::Excludes:
        return std::ranges::find(list, program_.values[condition.operand]) == list.end();
      case Comparison::Is:
      case Comparison::IsNot:
      case Comparison::Contains:
      case Comparison::StartsWith:
      case Comparison::EndsWith:
      case Comparison::In:
      case Comparison::NotIn:
      case Comparison::Less:
      case Comparison::AtMost:
      case Comparison::AtLeast:
      case Comparison::Greater:
        break;  // of one value
    }
    return false;
  }

  bool groups_match(const FlatCriterion& criterion) const {
    if (facts_.session->directory == nullptr) {
      return false;
    }
    if (program_.filter_groups && criterion.conditions.count > 0) {
      const FlatCondition& first = program_.conditions[criterion.conditions.first];
      if (first.comparison == Comparison::Has && !group_filter_.may_hold(first.hash)) {
        return false;
      }
    }
    return list_matches(criterion, facts_.session->directory->groups);
  }

  std::span<const Value> claim_values(std::uint32_t name) {
    // Rules tend to ask for the same claim one after the other.
    if (last_claim_ != name) {
      const FlatClaimName& claim = program_.claims[name];
      const Claim* found = facts_.session->claims.find(claim.name);
      if (found == nullptr && !claim.folded.empty()) {
        found = facts_.session->claims.find(claim.folded);
      }
      last_claim_ = name;
      last_values_ = found == nullptr ? std::span<const Value>() : found->values;
    }
    return last_values_;
  }

  bool is_preflight() const {
    return facts_.request.method == "OPTIONS" && !facts_.request.origin.empty() &&
           !facts_.request.access_control_request_method.empty();
  }

  bool address_matches(std::uint32_t list) const {
    if (!facts_.request.client_ip) {
      return false;
    }
    const AddressKey address = address_key(*facts_.request.client_ip);
    const std::span<const AddressRange> ranges =
        slice(program_.addresses, program_.address_lists[list]);
    const auto after = std::ranges::upper_bound(ranges, address, {}, &AddressRange::first);
    return after != ranges.begin() && address <= std::prev(after)->last;
  }

  bool certificate_matches(std::uint32_t index) const {
    if (facts_.leaf == nullptr) {
      return false;
    }
    const FlatCertificateMatcher& matcher = program_.certificates[index];
    const LeafCertificate& leaf = *facts_.leaf;
    return (matcher.any_fingerprint || listed(matcher.fingerprints, leaf.fingerprint)) &&
           (matcher.any_spki_hash || listed(matcher.spki_hashes, leaf.spki_hash)) &&
           some_name_matches(matcher.san_email, leaf.san_email) &&
           some_name_matches(matcher.san_dns, leaf.san_dns) &&
           some_name_matches(matcher.san_uri, leaf.san_uri);
  }

  bool listed(IndexRange digests, const Digest& digest) const {
    const std::span<const Digest> all = slice(program_.digests, digests);
    return std::ranges::find(all, digest) != all.end();
  }

  bool some_name_matches(IndexRange conditions, const std::vector<std::string>& names) const {
    const auto some_name = [&](IndexRange wanted) {
      return std::ranges::any_of(names, [&](const std::string& name) {
        Subject subject(name);
        return string_matches(wanted, subject);
      });
    };
    if (conditions.count == 0) {
      return true;
    }
    if (!program_.san_conditions_apart) {
      return some_name(conditions);
    }
    for (std::uint32_t i = 0; i < conditions.count; ++i) {
      if (!some_name({.first = conditions.first + i, .count = 1})) {
        return false;
      }
    }
    return true;
  }

  Result certificate_is_invalid() const {
    switch (facts_.certificate_verdict) {
      case CertificateVerdict::Valid:
        return {false, Reason::ValidClientCertificate};
      case CertificateVerdict::NotPresented:
        return {true, Reason::ClientCertificateRequired};
      case CertificateVerdict::Invalid:
        break;
    }
    return {true, Reason::InvalidClientCertificate};
  }

  Result device(const FlatDeviceMatcher& matcher) const {
    const std::span<const DeviceFacts> devices =
        facts_.session == nullptr ? std::span<const DeviceFacts>() : facts_.session->devices;
    const auto chosen = std::ranges::find_if(devices, [&](const DeviceFacts& entry) {
      return !entry.credential_id.empty() && entry.type_id == matcher.type;
    });
    if (chosen == devices.end() || !chosen->is_recorded) {
      return without_device(matcher);
    }
    const bool approved = chosen->enrollment == Enrollment::Approved;
    const bool approval_fits =
        matcher.approval == Approval::Any || (matcher.approval == Approval::Approved) == approved;
    if (approval_fits && (matcher.any_credential || chosen->credential_id == matcher.is)) {
      return {true, Reason::DeviceOk};
    }
    return {false,
            chosen->enrollment == Enrollment::None ? Reason::DeviceUnauthenticated
                                                   : Reason::DeviceUnauthorized};
  }

  Result without_device(const FlatDeviceMatcher& matcher) const {
    if (matcher.holds_without_device) {
      return {true, Reason::DeviceOk};
    }
    return {
        false,
        facts_.session == nullptr ? Reason::UserUnauthenticated : Reason::DeviceUnauthenticated};
  }

  Result mcp_tool(const FlatCriterion& criterion) const {
    if (facts_.mcp.method != "tools/call") {
      return {false, Reason::McpNotAToolCall};
    }
    Subject tool = facts_.mcp.tool ? Subject(*facts_.mcp.tool) : Subject();
    const bool matches =
        criterion.conditions.count == 0 || string_matches(criterion.conditions, tool);
    return {matches, matches ? Reason::McpToolMatch : Reason::McpToolNoMatch};
  }

  bool ssh_key_listed(std::uint32_t keys, std::string_view wire) const {
    Subject key(wire);
    return !wire.empty() && set_contains(program_, program_.sets[keys], key);
  }

  bool ssh_certificate_matches(std::uint32_t authorities) const {
    const SshCertificateFacts* certificate = facts_.ssh.certificate;
    if (certificate == nullptr || !certificate->signature_valid ||
        !certificate->is_user_certificate || !certificate->in_validity_period ||
        certificate->has_unknown_critical_option || facts_.ssh.username.empty()) {
      return false;
    }
    const bool names_user = certificate->principals.empty()
                                ? program_.ssh_ca_as_reference
                                : std::ranges::find(certificate->principals, facts_.ssh.username) !=
                                      certificate->principals.end();
    const bool from_there =
        program_.ssh_ca_as_reference || !certificate->source_addresses ||
        (facts_.request.client_ip &&
         std::ranges::any_of(*certificate->source_addresses, [&](const IpPrefix& prefix) {
           return prefix.contains(*facts_.request.client_ip);
         }));
    return names_user && from_there && ssh_key_listed(authorities, certificate->signature_key);
  }

  bool ssh_name_is_email() const {
    const std::string_view email = email_.text();
    return !facts_.ssh.username.empty() && email.substr(0, email.find('@')) == facts_.ssh.username;
  }

  bool ssh_name_is_claim(std::uint32_t name) {
    return !facts_.ssh.username.empty() &&
           std::ranges::any_of(claim_values(name),
                               [&](const Value& value) { return value.is(facts_.ssh.username); });
  }

  bool date_matches(const DateMatcher& matcher) const {
    return facts_.now && *facts_.now > matcher.after && *facts_.now < matcher.before;
  }

  bool day_matches(DaySet days) const {
    return facts_.now &&
           days[std::chrono::weekday(std::chrono::floor<std::chrono::days>(*facts_.now))
                    .c_encoding()];
  }

  bool time_matches(const FlatTimeOfDay& matcher) {
    if (!facts_.now) {
      return false;
    }
    // Rules tend to ask about one zone.
    if (last_zone_ != matcher.zone) {
      last_zone_ = matcher.zone;
      last_time_ = program_.zones[matcher.zone].time_of_day(*facts_.now);
    }
    const Duration time = last_time_;
    const bool is_after = time > matcher.after;
    const bool is_before = time < matcher.before;
    return matcher.after > matcher.before ? is_after || is_before : is_after && is_before;
  }

  bool record_matches(const FlatRecordMatcher& matcher) const {
    const std::span<const RecordFacts> own = facts_.session->records;
    const auto record =
        std::ranges::find(own, program_.record_types[matcher.type], &RecordFacts::type);
    if (record == own.end()) {
      return false;
    }
    const Claim* field =
        record->fields && !matcher.field.empty() ? record->fields->find(matcher.field) : nullptr;
    const bool exists = matcher.field.empty() ? record->fields.has_value() : field != nullptr;
    if (matcher.existence != Existence::NotAsked &&
        exists != (matcher.existence == Existence::Exists)) {
      return false;
    }
    return matcher.conditions.count == 0 ||
           (field != nullptr && field_matches(matcher.conditions, field->values));
  }

  bool field_matches(IndexRange conditions, std::span<const Value> values) const {
    return std::ranges::all_of(slice(program_.conditions, conditions),
                               [&](const FlatCondition& condition) {
                                 switch (condition.comparison) {
                                   case Comparison::Has:
                                   case Comparison::HasAny:
                                   case Comparison::IsOnly:
                                   case Comparison::Excludes:
                                     return holds(condition, values);
                                   default:
                                     return values.size() == 1 && holds(condition, values.front());
                                 }
                               });
  }

  // Of one value, whatever its kind.
  bool holds(const FlatCondition& condition, const Value& value) const {
    switch (condition.comparison) {
      case Comparison::IsNot:
        return value != program_.values[condition.operand];
      case Comparison::In:
        return set_contains(program_, program_.sets[condition.operand], value);
      case Comparison::NotIn:
        return !set_contains(program_, program_.sets[condition.operand], value);
      case Comparison::Less:
        return Value::order(value, program_.values[condition.operand]) < 0;
      case Comparison::AtMost:
        return Value::order(value, program_.values[condition.operand]) <= 0;
      case Comparison::AtLeast:
        return Value::order(value, program_.values[condition.operand]) >= 0;
      case Comparison::Greater:
        return Value::order(value, program_.values[condition.operand]) > 0;
      default: {
        Subject text = value.is_string() ? Subject(value.text()) : Subject();
        return text.exists() && holds(condition, text);
      }
    }
  }

  static constexpr std::uint32_t kNone = 0xffff'ffff;
  enum class Note : std::uint8_t { Blank, Holds, HoldsNot };

  const Instructions& program_;
  const Facts& facts_;
  // What the session and the request say, under the names of the criteria.
  Subject user_;
  Subject email_;
  Subject domain_;
  Subject method_;
  Subject path_;
  Subject ssh_username_;
  HashFilter group_filter_;
  std::uint32_t last_claim_ = kNone;
  std::span<const Value> last_values_;
  std::uint32_t last_zone_ = kNone;
  Duration last_time_{};
  // By FlatCriterion::note.
  std::array<Note, kNotesMax + 1> notes_{};
};

}  // namespace

Program::Program() = default;
Program::Program(std::unique_ptr<const Instructions> instructions)
    : instructions_(std::move(instructions)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

std::span<const std::string_view> wanted_records(const Program& program) {
  const Instructions* instructions = program.instructions();
  return instructions == nullptr ? std::span<const std::string_view>()
                                 : std::span<const std::string_view>(instructions->record_types);
}

Decision decide(const Program& program, const Facts& facts) {
  const Instructions* instructions = program.instructions();
  if (instructions == nullptr) {
    return {};
  }
  Evaluation evaluation(*instructions, facts);
  const Verdict allow = evaluation.run(instructions->allow);
  const Verdict deny = evaluation.run(instructions->deny);
  return {.allow = allow, .deny = deny};
}

}  // namespace vallum::policy
