#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vallum::codec {

// Appends JSON to a string that the caller keeps, so that a warm buffer costs no allocation:
//
//   JsonWriter json(line);
//   json.begin_object().member("path", path).member("status", 200).end_object();
//
// Commas are its business, nesting is the caller's (checked in debug builds). Bytes that are not
// UTF-8 become U+FFFD, so the output is always valid.
class JsonWriter {
 public:
  // `out` must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool boolean);
  template <std::integral Int>
    requires(!std::same_as<Int, bool> && !std::same_as<Int, char>)
  JsonWriter& value(Int number) {
    if constexpr (std::signed_integral<Int>) {
      return signed_number(number);
    } else {
      return unsigned_number(number);
    }
  }
  // Shortest text that reads back the same; null for infinities and NaN.
  JsonWriter& value(double number);
  JsonWriter& null();
  // Text that is already one JSON value.
  JsonWriter& raw(std::string_view json);

  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }

 private:
  JsonWriter& signed_number(std::int64_t number);
  JsonWriter& unsigned_number(std::uint64_t number);
  void separate();

  std::string& out_;
  std::size_t depth_ = 0;
  bool needs_comma_ = false;
};

class Node;

// Writes the whole value; of duplicate members each is written.
void write_node(JsonWriter& json, const Node& node);

// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace vallum::codec
