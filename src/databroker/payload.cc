#include "databroker/payload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/time_util.h>

#include "base/strings.h"
#include "codec/base64.h"
#include "proto/config.pb.h"
#include "proto/device.pb.h"
#include "proto/events.pb.h"
#include "proto/identity.pb.h"
#include "proto/oauth21.pb.h"
#include "proto/registry.pb.h"
#include "proto/rfc7591.pb.h"
#include "proto/session.pb.h"
#include "proto/user.pb.h"

namespace vallum::databroker {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kUrlPrefix = "type.googleapis.com/";

// The messages records are made of. Values of other types are kept, and not looked into.
const pb::Message* prototype_of(std::string_view type_url) {
  if (!type_url.starts_with(kUrlPrefix)) {
    return nullptr;
  }
  const std::string_view name = type_url.substr(kUrlPrefix.size());
  const auto known = std::to_array<const pb::Message*>({
      &::session::Session::default_instance(),
      &::user::User::default_instance(),
      &::user::ServiceAccount::default_instance(),
      &pb::Struct::default_instance(),
      &::session::SessionBindingRequest::default_instance(),
      &::session::SessionBinding::default_instance(),
      &::session::IdentityBinding::default_instance(),
      &::pomerium::events::LastError::default_instance(),
      &::oauth21::UpstreamMCPToken::default_instance(),
      &::oauth21::PendingUpstreamAuth::default_instance(),
      &::oauth21::UpstreamOAuthClient::default_instance(),
      &::oauth21::AuthorizationRequest::default_instance(),
      &::oauth21::Code::default_instance(),
      &::oauth21::MCPRefreshToken::default_instance(),
      &::ietf::rfc7591::v1::ClientRegistration::default_instance(),
      &::pomerium::device::Type::default_instance(),
      &::pomerium::device::Enrollment::default_instance(),
      &::pomerium::device::Credential::default_instance(),
      &::pomerium::device::OwnerCredentialRecord::default_instance(),
      &::pomerium::identity::Provider::default_instance(),
      &::pomerium::identity::Profile::default_instance(),
      &::registry::ServiceRegistration::default_instance(),
      &::pomerium::config::Config::default_instance(),
      &::pomerium::config::VersionedConfig::default_instance(),
      &::pomerium::config::KeyPair::default_instance(),
      &::pomerium::config::Policy::default_instance(),
      &::pomerium::config::Route::default_instance(),
      &::pomerium::config::Settings::default_instance(),
  });
  for (const pb::Message* prototype : known) {
    if (prototype->GetDescriptor()->full_name() == name) {
      return prototype;
    }
  }
  return nullptr;
}

std::unique_ptr<pb::Message> parse(std::string_view type_url, const std::string& bytes) {
  const pb::Message* const prototype = prototype_of(type_url);
  if (prototype == nullptr) {
    return nullptr;
  }
  std::unique_ptr<pb::Message> message(prototype->New());
  return message->ParseFromString(bytes) ? std::move(message) : nullptr;
}

Payload scalar(Payload::Kind kind, std::string text) {
  return {.kind = kind, .text = std::move(text), .names = {}, .items = {}};
}

Payload number(double value) {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  if (!std::isfinite(value)) {
    return scalar(Payload::Kind::Text,
                  std::isnan(value) ? "NaN"
                  : value > 0       ? "Infinity"
                                    : "-Infinity");
  }
  if (std::trunc(value) == value && std::abs(value) <= kExactMax) {
    return scalar(Payload::Kind::Number, std::to_string(static_cast<std::int64_t>(value)));
  }
  std::array<char, 32> digits{};
  const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return scalar(Payload::Kind::Number, std::string(static_cast<const char*>(digits.data()), end));
}

void add_member(Payload& object, std::string name, Payload item) {
  object.names.push_back(std::move(name));
  object.items.push_back(std::move(item));
}

Payload tree_of(const pb::Message& message, int depth_left);

Payload tree_of(const pb::Struct& from, int depth_left);
Payload tree_of(const pb::ListValue& from, int depth_left);

Payload tree_of(const pb::Value& from, int depth_left) {
  switch (from.kind_case()) {
    case pb::Value::kBoolValue:
      return scalar(Payload::Kind::Bool, from.bool_value() ? "true" : "false");
    case pb::Value::kNumberValue:
      return number(from.number_value());
    case pb::Value::kStringValue:
      return scalar(Payload::Kind::Text, from.string_value());
    case pb::Value::kStructValue:
      return tree_of(from.struct_value(), depth_left);
    case pb::Value::kListValue:
      return tree_of(from.list_value(), depth_left);
    case pb::Value::kNullValue:
    case pb::Value::KIND_NOT_SET:
      break;
  }
  return {};
}

Payload tree_of(const pb::Struct& from, int depth_left) {
  if (depth_left <= 0) {
    return {};
  }
  Payload object{.kind = Payload::Kind::Object, .text = {}, .names = {}, .items = {}};
  for (const auto& [name, value] : from.fields()) {
    add_member(object, name, tree_of(value, depth_left - 1));
  }
  return object;
}

Payload tree_of(const pb::ListValue& from, int depth_left) {
  if (depth_left <= 0) {
    return {};
  }
  Payload list{.kind = Payload::Kind::List, .text = {}, .names = {}, .items = {}};
  for (const pb::Value& value : from.values()) {
    list.items.push_back(tree_of(value, depth_left - 1));
  }
  return list;
}

Payload tree_of(const pb::Timestamp& from) {
  constexpr std::int64_t kFirst = -62'135'596'800;  // 0001-01-01
  constexpr std::int64_t kLast = 253'402'300'799;   // 9999-12-31
  const bool is_time = from.seconds() >= kFirst && from.seconds() <= kLast && from.nanos() >= 0 &&
                       from.nanos() < 1'000'000'000;
  return is_time ? scalar(Payload::Kind::Text, pb::util::TimeUtil::ToString(from)) : Payload();
}

Payload tree_of(const pb::Any& from, int depth_left) {
  Payload object{.kind = Payload::Kind::Object, .text = {}, .names = {}, .items = {}};
  if (const auto message = parse(from.type_url(), from.value())) {
    object = tree_of(*message, depth_left - 1);
  }
  if (object.kind == Payload::Kind::Object) {
    add_member(object, "@type", scalar(Payload::Kind::Text, from.type_url()));
  }
  return object;
}

// The value of a field, or of its item `index` when it repeats.
class FieldReader {
 public:
  FieldReader(const pb::Message& message, const pb::FieldDescriptor* field, int depth_left)
      : message_(message), field_(field), depth_left_(depth_left) {}

  Payload single() const {
    const pb::Reflection* r = message_.GetReflection();
    switch (field_->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return whole(r->GetInt32(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return whole(r->GetInt64(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return whole(r->GetUInt32(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return whole(r->GetUInt64(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return number(r->GetDouble(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return number(r->GetFloat(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return truth(r->GetBool(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return name_of(r->GetEnumValue(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return text(r->GetString(message_, field_));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return tree_of(r->GetMessage(message_, field_), depth_left_ - 1);
    }
    return {};
  }

  Payload item(int index) const {
    const pb::Reflection* r = message_.GetReflection();
    switch (field_->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return whole(r->GetRepeatedInt32(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return whole(r->GetRepeatedInt64(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return whole(r->GetRepeatedUInt32(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return whole(r->GetRepeatedUInt64(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return number(r->GetRepeatedDouble(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return number(r->GetRepeatedFloat(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return truth(r->GetRepeatedBool(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return name_of(r->GetRepeatedEnumValue(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return text(r->GetRepeatedString(message_, field_, index));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return tree_of(r->GetRepeatedMessage(message_, field_, index), depth_left_ - 1);
    }
    return {};
  }

 private:
  template <class Integer>
  static Payload whole(Integer value) {
    return scalar(Payload::Kind::Number, std::to_string(value));
  }
  static Payload truth(bool value) { return scalar(Payload::Kind::Bool, value ? "true" : "false"); }
  Payload name_of(int value) const {
    const pb::EnumValueDescriptor* known = field_->enum_type()->FindValueByNumber(value);
    return known != nullptr ? scalar(Payload::Kind::Text, known->name()) : whole(value);
  }
  Payload text(std::string value) const {
    return field_->type() == pb::FieldDescriptor::TYPE_BYTES
               ? scalar(Payload::Kind::Bytes,
                        codec::encode_base64(as_bytes(value), codec::Base64::Std))
               : scalar(Payload::Kind::Text, std::move(value));
  }

  const pb::Message& message_;
  const pb::FieldDescriptor* field_;
  int depth_left_;
};

Payload tree_of_map(const pb::Message& message, const pb::FieldDescriptor* field, int depth_left) {
  Payload object{.kind = Payload::Kind::Object, .text = {}, .names = {}, .items = {}};
  const pb::Reflection* r = message.GetReflection();
  for (int i = 0; i < r->FieldSize(message, field); ++i) {
    const pb::Message& entry = r->GetRepeatedMessage(message, field, i);
    const pb::Descriptor* type = entry.GetDescriptor();
    const Payload name = FieldReader(entry, type->map_key(), depth_left).single();
    add_member(object, name.text, FieldReader(entry, type->map_value(), depth_left).single());
  }
  return object;
}

Payload tree_of(const pb::Message& message, int depth_left) {
  const pb::Descriptor* type = message.GetDescriptor();
  if (type == pb::Struct::descriptor()) {
    return tree_of(static_cast<const pb::Struct&>(message), depth_left);
  }
  if (type == pb::ListValue::descriptor()) {
    return tree_of(static_cast<const pb::ListValue&>(message), depth_left);
  }
  if (type == pb::Value::descriptor()) {
    return tree_of(static_cast<const pb::Value&>(message), depth_left);
  }
  if (type == pb::Timestamp::descriptor()) {
    return tree_of(static_cast<const pb::Timestamp&>(message));
  }
  if (depth_left <= 0) {
    return {};
  }
  if (type == pb::Any::descriptor()) {
    return tree_of(static_cast<const pb::Any&>(message), depth_left);
  }
  Payload object{.kind = Payload::Kind::Object, .text = {}, .names = {}, .items = {}};
  const pb::Reflection* r = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    const FieldReader reader(message, field, depth_left);
    if (field->is_map()) {
      add_member(object, field->name(), tree_of_map(message, field, depth_left));
    } else if (field->is_repeated()) {
      Payload list{.kind = Payload::Kind::List, .text = {}, .names = {}, .items = {}};
      for (int item = 0; item < r->FieldSize(message, field); ++item) {
        list.items.push_back(reader.item(item));
      }
      add_member(object, field->name(), std::move(list));
    } else if (!field->has_presence() || r->HasField(message, field)) {
      add_member(object, field->name(), reader.single());
    }
  }
  return object;
}

std::string lower_camel(std::string_view name) {
  std::string camel;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    camel.push_back(upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
    upper = false;
  }
  return camel;
}

const Payload* find_member(const Payload& object, std::string_view name) {
  for (std::size_t i = 0; i < object.names.size(); ++i) {
    if (object.names[i] == name) {
      return &object.items[i];
    }
  }
  for (std::size_t i = 0; i < object.names.size(); ++i) {
    if (object.names[i].contains('_') && lower_camel(object.names[i]) == name) {
      return &object.items[i];
    }
  }
  return nullptr;
}

// Copies one key of `from` over that of `into`, or removes it there when `from` has none.
Result<void> merge_key(const pb::Struct& from, pb::Struct& into, const FieldPath& path) {
  const pb::Struct* source = &from;
  pb::Struct* target = &into;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto found = source == nullptr ? pb::Map<std::string, pb::Value>::const_iterator()
                                         : source->fields().find(path[i]);
    source =
        source != nullptr && found != source->fields().end() && found->second.has_struct_value()
            ? &found->second.struct_value()
            : nullptr;
    if (source == nullptr) {
      const auto there = target->fields().find(path[i]);
      if (there == target->fields().end() || !there->second.has_struct_value()) {
        return {};  // on neither side: nothing to copy, nothing to remove
      }
    }
    target = (*target->mutable_fields())[path[i]].mutable_struct_value();
  }
  if (source != nullptr) {
    if (const auto found = source->fields().find(path.back()); found != source->fields().end()) {
      (*target->mutable_fields())[path.back()] = found->second;
      return {};
    }
  }
  target->mutable_fields()->erase(path.back());
  return {};
}

Result<void> merge_message(const pb::Message& from,
                           pb::Message& into,
                           const std::vector<std::string>& paths) {
  pb::FieldMask mask;
  for (const std::string& path : paths) {
    if (!pb::util::FieldMaskUtil::GetFieldDescriptors(from.GetDescriptor(), path, nullptr)) {
      return fail(ErrorKind::InvalidInput, "patch: the type has no field '" + path + "'");
    }
    mask.add_paths(path);
  }
  pb::util::FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  pb::util::FieldMaskUtil::MergeMessageTo(from, mask, options, &into);
  return {};
}

}  // namespace

bool is_known_type(std::string_view type_url) {
  return prototype_of(type_url) != nullptr;
}

std::optional<Payload> decode_payload(const Value& value) {
  const auto message = parse(value.type_url, value.bytes);
  return message == nullptr ? std::nullopt : std::optional(tree_of(*message, kPayloadDepthMax));
}

std::optional<Payload> decode_struct(std::string_view bytes) {
  pb::Struct message;
  return message.ParseFromString(std::string(bytes))
             ? std::optional(tree_of(message, kPayloadDepthMax))
             : std::nullopt;
}

FieldPath field_path(std::string_view text) {
  FieldPath path;
  for (const std::string_view name : split(text, '.')) {
    path.emplace_back(name);
  }
  return path;
}

std::vector<const Payload*> find_at(const Payload& payload, const FieldPath& path) {
  std::vector<const Payload*> here = {&payload};
  for (const std::string& name : path) {
    std::vector<const Payload*> next;
    // Lists grow `here` while it is walked.
    for (std::size_t i = 0; i < here.size(); ++i) {
      const Payload& node = *here[i];
      if (node.kind == Payload::Kind::List) {
        for (const Payload& item : node.items) {
          here.push_back(&item);
        }
      } else if (const Payload* found = find_member(node, name)) {
        next.push_back(found);
      }
    }
    here = std::move(next);
  }
  std::vector<const Payload*> found;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const Payload& node = *here[i];
    if (node.kind != Payload::Kind::List) {
      found.push_back(&node);
      continue;
    }
    for (const Payload& item : node.items) {
      here.push_back(&item);
    }
  }
  return found;
}

Result<Value> merge_masked(const Value& from,
                           const Value& into,
                           const std::vector<std::string>& paths) {
  if (from.type_url != into.type_url) {
    return fail(ErrorKind::InvalidInput, "patch: the record's value is of another type");
  }
  if (paths.empty() || paths.size() > kMaskPathsMax ||
      std::ranges::any_of(paths, &std::string::empty)) {
    return fail(ErrorKind::InvalidInput, "patch: the field mask is empty, or has too many fields");
  }
  if (prototype_of(from.type_url) == nullptr) {
    return fail(ErrorKind::InvalidInput, "patch: the value's type is not known here");
  }
  const auto source = parse(from.type_url, from.bytes);
  if (source == nullptr) {
    return fail(ErrorKind::InvalidInput, "patch: the value is not what its type says");
  }
  const auto target = parse(into.type_url, into.bytes);
  if (target == nullptr) {
    return fail(ErrorKind::InvalidInput, "patch: the stored value is not what its type says");
  }
  if (source->GetDescriptor() == pb::Struct::descriptor()) {
    for (const std::string& path : paths) {
      TRY_OK(merge_key(static_cast<const pb::Struct&>(*source),
                       static_cast<pb::Struct&>(*target),
                       field_path(path)));
    }
  } else {
    TRY_OK(merge_message(*source, *target, paths));
  }
  return Value{.type_url = into.type_url, .bytes = target->SerializeAsString()};
}

}  // namespace vallum::databroker
