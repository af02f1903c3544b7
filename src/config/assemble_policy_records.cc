#include <optional>
#include <string>

#include "config/assembly.h"

namespace vallum::config {

namespace {

constexpr std::string_view kOption = "policy_records";

std::optional<policy::RecordKey> key_of(std::string_view text) {
  if (text == "user.id") {
    return policy::RecordKey::UserId;
  }
  if (text == "user.email") {
    return policy::RecordKey::UserEmail;
  }
  return std::nullopt;
}

// Records with a meaning of their own: a session's tokens are nothing for a policy to look at.
bool is_own(std::string_view type) {
  return type.starts_with("type.googleapis.com/");
}

}  // namespace

void assemble_policy_records(Assembly& assembly) {
  const std::string what = std::string(kOption) + ": ";
  for (const auto& [type, text] : assembly.inputs().policy_records) {
    const std::optional<policy::RecordKey> key = key_of(text);
    if (type.empty() || is_own(type)) {
      assembly.error(kOption,
                     what + quoted(type) + " is not a type of records of yours",
                     "write the type under which they are put, such as example.com/on-call");
    } else if (!key) {
      assembly.error(kOption,
                     what + quoted(text) + " is not what the id of such a record can be",
                     "write user.id or user.email");
    } else {
      assembly.settings().policy_records.push_back({.type = type, .key = *key});
    }
  }
}

}  // namespace vallum::config
