#include "session/protobuf_value.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "base/strings.h"
#include "codec/json_writer.h"

namespace vallum::session {
namespace {

// Each level is two messages deep for a protobuf reader, which takes 100.
constexpr int kDepthMax = 40;

// The depth is bounded, by kDepthMax and by the protobuf reader.
Result<void> set_value_at(const codec::Node& node, google::protobuf::Value& to, int depth);

Result<void> set_items(const codec::Node& node, google::protobuf::ListValue& to, int depth) {
  for (const codec::Node& item : node.items()) {
    TRY_OK(set_value_at(item, *to.add_values(), depth + 1));
  }
  return {};
}

Result<void> set_members(const codec::Node& node, google::protobuf::Struct& to, int depth) {
  auto& fields = *to.mutable_fields();
  for (const codec::Node::Member& member : node.members()) {
    if (!is_utf8(member.key)) {
      return fail(ErrorKind::InvalidInput, "record: a name is not UTF-8");
    }
    TRY_OK(set_value_at(member.value, fields[member.key], depth + 1));
  }
  return {};
}

Result<void> set_number(const std::string& text, google::protobuf::Value& to) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return fail(ErrorKind::InvalidInput, "record: a number is out of range");
  }
  to.set_number_value(number);
  return {};
}

Result<void> set_value_at(const codec::Node& node, google::protobuf::Value& to, int depth) {
  if (depth > kDepthMax) {
    return fail(ErrorKind::InvalidInput, "record: a value is nested too deeply");
  }
  switch (node.kind()) {
    case codec::Node::Kind::Null:
      to.set_null_value(google::protobuf::NULL_VALUE);
      return {};
    case codec::Node::Kind::Bool:
      to.set_bool_value(node.as_bool());
      return {};
    case codec::Node::Kind::Number:
      return set_number(node.text(), to);
    case codec::Node::Kind::String:
      if (!is_utf8(node.text())) {
        return fail(ErrorKind::InvalidInput, "record: a text is not UTF-8");
      }
      to.set_string_value(node.text());
      return {};
    case codec::Node::Kind::List:
      return set_items(node, *to.mutable_list_value(), depth);
    case codec::Node::Kind::Map:
      return set_members(node, *to.mutable_struct_value(), depth);
  }
  return fail(BUG("a node of no kind"));
}

std::string number_text(double number) {
  // Integers are written plainly, as claims have them; everything else as short as it reads back.
  constexpr double kExact = 9007199254740992.0;
  if (number == std::floor(number) && std::abs(number) <= kExact) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  std::string text;
  codec::JsonWriter(text).value(number);
  return text;
}

codec::Node value_node(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return codec::Node::boolean(value.bool_value());
    case google::protobuf::Value::kNumberValue:
      return std::isfinite(value.number_value())
                 ? codec::Node::number(number_text(value.number_value()))
                 : codec::Node::null();
    case google::protobuf::Value::kStringValue:
      return codec::Node::string(value.string_value());
    case google::protobuf::Value::kListValue:
      return node_of(value.list_value());
    case google::protobuf::Value::kStructValue:
      return node_of(value.struct_value());
    case google::protobuf::Value::kNullValue:
    case google::protobuf::Value::KIND_NOT_SET:
      break;
  }
  return codec::Node::null();
}

}  // namespace

Result<void> set_value(const codec::Node& node, google::protobuf::Value& to) {
  return set_value_at(node, to, 0);
}

Result<void> set_list(const codec::Node& node, google::protobuf::ListValue& to) {
  if (node.is_list()) {
    return set_items(node, to, 0);
  }
  return set_value_at(node, *to.add_values(), 0);
}

// The depth is bounded by the protobuf reader.
codec::Node node_of(const google::protobuf::Value& value) {
  return value_node(value);
}

codec::Node node_of(const google::protobuf::ListValue& list) {
  std::vector<codec::Node> items;
  items.reserve(static_cast<std::size_t>(list.values_size()));
  for (const google::protobuf::Value& item : list.values()) {
    items.push_back(value_node(item));
  }
  return codec::Node::list(std::move(items));
}

codec::Node node_of(const google::protobuf::Struct& value) {
  std::vector<codec::Node::Member> members;
  members.reserve(value.fields().size());
  for (const auto& [name, field] : value.fields()) {
    members.push_back({.key = name, .position = {}, .value = value_node(field)});
  }
  // A protobuf map has no order of its own.
  std::ranges::sort(members, {}, &codec::Node::Member::key);
  return codec::Node::map(std::move(members));
}

void set_time(WallTime time, google::protobuf::Timestamp& to) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  to.set_seconds(seconds.time_since_epoch().count());
  to.set_nanos(static_cast<std::int32_t>((time - seconds).count()));
}

std::optional<WallTime> time_of(const google::protobuf::Timestamp& from) {
  // Clients write far years for "never"; beyond what a WallTime holds they mean the same.
  constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  // The specification counts all of 1970 as "no time".
  constexpr std::int64_t kYear1971 = 31'536'000;
  if (from.seconds() < kYear1971 || from.seconds() > kSecondsMax || from.nanos() < 0 ||
      from.nanos() > 999'999'999) {
    return std::nullopt;
  }
  return from_unix_seconds(from.seconds()) + Duration(from.nanos());
}

}  // namespace vallum::session
