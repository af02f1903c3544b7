#pragma once

#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"

namespace google::protobuf {
class ListValue;
class Struct;
class Timestamp;
class Value;
}  // namespace google::protobuf

namespace vallum::session {

// JSON as protobuf carries it. Numbers are doubles there: integers beyond 2^53 lose digits. A text
// that is not UTF-8, a number that is none, and nesting beyond what a reader takes: InvalidInput.
Result<void> set_value(const codec::Node& node, google::protobuf::Value& to);
// A node that is not a List counts as a list of itself.
Result<void> set_list(const codec::Node& node, google::protobuf::ListValue& to);

codec::Node node_of(const google::protobuf::Value& value);
codec::Node node_of(const google::protobuf::ListValue& list);
codec::Node node_of(const google::protobuf::Struct& value);

void set_time(WallTime time, google::protobuf::Timestamp& to);
// Absent for the zero time and before: stores write it where they have none.
std::optional<WallTime> time_of(const google::protobuf::Timestamp& from);

}  // namespace vallum::session
