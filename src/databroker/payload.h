#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "databroker/record.h"

namespace vallum::databroker {

// A record's value as a tree, for filters and indexes: what it holds under the names of its
// message. Fields that have no presence of their own are there with their default.
struct Payload {
  enum class Kind : std::uint8_t { Null, Bool, Number, Text, Bytes, List, Object };

  Kind kind = Kind::Null;
  // Of everything but lists and objects, in its one form: "true", digits for whole numbers, RFC
  // 3339 for a timestamp, base64 for bytes.
  std::string text;
  // Names of an object's items, in the items' order.
  std::vector<std::string> names;
  std::vector<Payload> items;

  bool is_scalar() const { return kind != Kind::List && kind != Kind::Object; }
  bool operator==(const Payload&) const = default;
};

// Levels of a value that are looked at; what lies deeper counts as null. Below what protobuf reads
// (100 levels of its own, of which a list in a list takes two), so that this bound is the one.
inline constexpr int kPayloadDepthMax = 32;

// Whether values of the type are looked into.
bool is_known_type(std::string_view type_url);

// Nothing for a value of a type nobody here knows, or that is not what its type says.
std::optional<Payload> decode_payload(const Value& value);

// An encoded google.protobuf.Struct.
std::optional<Payload> decode_struct(std::string_view bytes);

// "a.b" as the names to follow.
using FieldPath = std::vector<std::string>;
FieldPath field_path(std::string_view text);

// What stands at the path; a list on the way means each of its items, so there may be several.
// Names match as the message has them and in lowerCamel. Until the payload changes.
std::vector<const Payload*> find_at(const Payload& payload, const FieldPath& path);

inline constexpr std::size_t kMaskPathsMax = 128;

// Copies the masked fields of `from` over those of `into` and returns the outcome. Paths are field
// paths of the message; in a google.protobuf.Struct they are its keys. InvalidInput for values of
// different or unknown types, a value that is not what its type says, no path or too many, and
// paths the type does not have.
Result<Value> merge_masked(const Value& from,
                           const Value& into,
                           const std::vector<std::string>& paths);

}  // namespace vallum::databroker
