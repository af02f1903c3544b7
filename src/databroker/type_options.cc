#include "databroker/type_options.h"

#include <chrono>
#include <utility>

#include "base/strings.h"
#include "databroker/messages.h"
#include "proto/databroker.pb.h"
#include "proto/store_notes.pb.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

}  // namespace

Result<void> check_options(std::string_view type,
                           const TypeOptions& options,
                           const Limits& limits) {
  if (type.empty() || type.size() > limits.type_bytes_max || type.contains('\0') ||
      !is_utf8(type)) {
    return fail(ErrorKind::InvalidInput, "options: type is empty, too long, or not plain UTF-8");
  }
  if (options.indexable_fields.size() > limits.indexable_fields_max) {
    return fail(ErrorKind::InvalidInput, "options: too many indexable fields");
  }
  for (const std::string& field : options.indexable_fields) {
    if (field.empty() || field.size() > limits.type_bytes_max || field.contains('\0') ||
        field.starts_with('$') || !is_utf8(field)) {
      return fail(ErrorKind::InvalidInput, "options: not the name of a field");
    }
  }
  if (options.ttl && *options.ttl <= Duration::zero()) {
    return fail(ErrorKind::InvalidInput, "options: ttl must be above zero, and below a century");
  }
  return {};
}

OptionsByType built_in_options() {
  const auto type = [](std::string_view name) {
    return "type.googleapis.com/" + std::string(name);
  };
  OptionsByType options;
  options[type("session.SessionBindingRequest")] = {
      .capacity = 50'000, .indexable_fields = {"key"}, .ttl = 15min};
  options[type("session.SessionBinding")] = {
      .capacity = std::nullopt, .indexable_fields = {"session_id", "user_id"}, .ttl = std::nullopt};
  options[type("session.IdentityBinding")] = {
      .capacity = std::nullopt, .indexable_fields = {"user_id"}, .ttl = std::nullopt};
  options[type("oauth21.UpstreamMCPToken")] = {
      .capacity = std::nullopt, .indexable_fields = {"user_id", "route_id"}, .ttl = std::nullopt};
  options[type("oauth21.PendingUpstreamAuth")] = {
      .capacity = std::nullopt, .indexable_fields = {"state_id"}, .ttl = 15min};
  options[type("pomerium.events.LastError")] = {
      .capacity = 50, .indexable_fields = {}, .ttl = std::nullopt};
  // As rpc/registry.h has them.
  options[type("registry.ServiceRegistration")] = {
      .capacity = 1024, .indexable_fields = {}, .ttl = 30s};
  return options;
}

std::string encode_options(const OptionsByType& options) {
  ::vallum::store::OptionsNote note;
  for (const auto& [type, of_type] : options) {
    auto& kept = *note.add_types();
    kept.set_typeurl(type);
    write_options(of_type, *kept.mutable_options());
  }
  return note.SerializeAsString();
}

Result<OptionsByType> decode_options(std::string_view bytes) {
  ::vallum::store::OptionsNote note;
  if (!note.ParseFromString(std::string(bytes))) {
    return fail(ErrorKind::InvalidInput, "options: not an encoded table");
  }
  OptionsByType options;
  for (const auto& kept : note.types()) {
    options.insert_or_assign(kept.typeurl(), read_options(kept.options()));
  }
  return options;
}

}  // namespace vallum::databroker
