#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vallum::codec {

// The name of a member that is known when the program is compiled, and needs no escapes: writing
// one is a copy.
class JsonKey {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant to do.
  consteval JsonKey(const char* name) : text_(name) {
    for (const char c : text_) {
      if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
        // No exception: this does not compile.
        // NOLINTNEXTLINE(hicpp-exception-baseclass): nothing is thrown
        throw "a key that needs escapes";
      }
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// Appends JSON to a string that the caller keeps, so that a warm buffer costs no allocation:
//
//   JsonWriter json(line);
//   json.begin_object().member("path", path).member("status", 200).end_object();
//
// Commas are its business, nesting is the caller's (checked in debug builds). Bytes that are not
// UTF-8 become U+FFFD, so the output is always valid. While a value is under way the string holds
// room at its end and belongs to the writer; it has its text when the outermost value is complete.
class JsonWriter {
 public:
  // `out` must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out), used_(out.size()) {}
  // A value that was not completed leaves what was written of it and nothing behind that.
  ~JsonWriter() {
    if (depth_ > 0) {
      out_.resize(used_);
    }
  }
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(JsonKey name);
  // A name that comes from elsewhere.
  JsonWriter& any_key(std::string_view name);

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
  // The members of an object that is already text, its braces included and no space around them.
  JsonWriter& members_of(std::string_view object);

  template <class T>
  JsonWriter& member(JsonKey name, const T& v) {
    return key(name).value(v);
  }

 private:
  JsonWriter& signed_number(std::int64_t number);
  JsonWriter& unsigned_number(std::uint64_t number);
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  // Room for `bytes` more and for a comma, where the next byte goes; a comma is written if one is
  // due. advance_to() says how far the room was used.
  char* start(std::size_t bytes);
  void advance_to(const char* end) { used_ = static_cast<std::size_t>(end - out_.data()); }
  void quote(std::string_view text, std::string_view after);
  JsonWriter& token(std::string_view text);
  JsonWriter& ended();
  void grow(std::size_t bytes);

  std::string& out_;
  std::size_t used_;  // of out_; what follows is room
  std::size_t depth_ = 0;
  bool needs_comma_ = false;
};

class Node;

// Writes the whole value; of duplicate members each is written.
void write_node(JsonWriter& json, const Node& node);

// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace vallum::codec
