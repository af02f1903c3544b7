#include <algorithm>
#include <optional>

#include "base/nearest.h"
#include "base/strings.h"
#include "config/assembly.h"

namespace vallum::config {

namespace {

using telemetry::FieldPolicy;
using telemetry::FieldUse;
using telemetry::RecordField;
using telemetry::RecordFieldRow;
using telemetry::RecordKind;

constexpr std::string_view kHeaderPrefix = "headers.";

// A field of one header, "headers.NAME": the name in lower case.
std::optional<std::string> header_of(std::string_view field) {
  if (!field.starts_with(kHeaderPrefix) || !is_token(field.substr(kHeaderPrefix.size()))) {
    return std::nullopt;
  }
  return to_lower(field.substr(kHeaderPrefix.size()));
}

std::string cure_for(std::string_view name, std::optional<RecordKind> kind) {
  std::vector<std::string_view> names;
  for (const RecordFieldRow& row : telemetry::record_fields()) {
    const FieldUse use = kind ? row.use(*kind) : FieldUse::Usual;
    if (use == FieldUse::OnDemand || use == FieldUse::Usual) {
      names.push_back(row.name);
    }
  }
  const auto nearest = nearest_name(name, names);
  return nearest ? "did you mean " + std::string(*nearest) + "?" : std::string();
}

// The line shows what is always there and what the list names.
void choose_fields(Assembly& assembly,
                   const std::string& option,
                   RecordKind kind,
                   const std::vector<std::string>& list) {
  telemetry::RecordPlans& plans = assembly.settings().records;
  telemetry::LinePlan& plan = kind == RecordKind::Decision ? plans.decision : plans.access;
  plan.shown = telemetry::fields_of(kind, FieldUse::Always);
  for (const std::string& item : list) {
    const std::string name(trim_space(item));
    if (std::optional<std::string> header = header_of(name)) {
      plan.shown.insert(RecordField::Headers);
      if (std::ranges::find(plan.headers, *header) == plan.headers.end()) {
        plan.headers.push_back(*std::move(header));
      }
      continue;
    }
    const RecordFieldRow* const row = telemetry::find_record_field(name);
    if (row == nullptr || row->use(kind) == FieldUse::Never || row->use(kind) == FieldUse::Always) {
      // As any unknown option: it stops nothing.
      assembly.report().unknown(assembly.place_of(option),
                                option,
                                option + ": " + quoted(name) + " is not a field of it",
                                cure_for(name, kind));
      continue;
    }
    plan.shown.insert(row->field);
    plan.all_headers = plan.all_headers || row->field == RecordField::Headers;
  }
}

std::optional<FieldPolicy> policy_of(std::string_view text) {
  if (text == "keep") {
    return FieldPolicy::Keep;
  }
  if (text == "hash") {
    return FieldPolicy::Hash;
  }
  return text == "drop" ? std::optional(FieldPolicy::Drop) : std::nullopt;
}

void apply(telemetry::RecordPlans& plans, RecordField field, FieldPolicy policy) {
  switch (policy) {
    case FieldPolicy::Keep:
      plans.kept.insert(field);
      return;
    case FieldPolicy::Hash:
      plans.hashed.insert(field);
      return;
    case FieldPolicy::Drop:
      plans.decision.shown.erase(field);
      plans.access.shown.erase(field);
      return;
  }
}

void apply_policy(Assembly& assembly, const std::string& name, const std::string& text) {
  static constexpr std::string_view kOption = "log_field_policies";
  const std::string what = std::string(kOption) + ": ";
  const std::optional<FieldPolicy> policy = policy_of(text);
  if (!policy) {
    assembly.error(kOption,
                   what + quoted(text) + " is not what can become of " + quoted(name),
                   "write keep, hash or drop");
    return;
  }
  telemetry::RecordPlans& plans = assembly.settings().records;
  if (std::optional<std::string> header = header_of(name)) {
    plans.header_policies.push_back({.name = *std::move(header), .policy = *policy});
    return;
  }
  const RecordFieldRow* const row = telemetry::find_record_field(name);
  if (row == nullptr) {
    assembly.error(
        kOption, what + quoted(name) + " is not a field of a record", cure_for(name, std::nullopt));
  } else if (row->decision == FieldUse::Always && *policy != FieldPolicy::Keep) {
    assembly.error(kOption, what + name + " is the result and says nothing of people");
  } else if (*policy == FieldPolicy::Hash && !row->is_text) {
    assembly.error(
        kOption, what + name + " is not a text that can be hashed", "write drop to leave it out");
  } else {
    apply(plans, row->field, *policy);
  }
}

}  // namespace

void assemble_records(Assembly& assembly) {
  const GlobalInputs& inputs = assembly.inputs();
  if (inputs.authorize_log_fields) {
    choose_fields(
        assembly, "authorize_log_fields", RecordKind::Decision, *inputs.authorize_log_fields);
  }
  if (inputs.access_log_fields) {
    choose_fields(assembly, "access_log_fields", RecordKind::Access, *inputs.access_log_fields);
  }
  for (const auto& [name, policy] : inputs.log_field_policies) {
    apply_policy(assembly, name, policy);
  }
  Settings& settings = assembly.settings();
  const telemetry::FieldSet shown = settings.records.decision.shown;
  if (shown.contains(RecordField::IdToken) || shown.contains(RecordField::IdTokenClaims)) {
    settings.uses_session_tokens = true;
  }
}

}  // namespace vallum::config
