#include "codec/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/strings.h"
#include "codec/node.h"

namespace vallum::codec {

namespace {

// Bytes that may stand in a JSON string as they are.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x80; ++c) {
    table[c] = c != '"' && c != '\\' && c != 0x7f;
  }
  return table;
}

constexpr std::array<bool, 256> kPlain = plain_bytes();

// Length of the UTF-8 sequence that starts with this byte; 0 when none does.
constexpr std::size_t sequence_length(unsigned char lead) {
  if (lead < 0xc2 || lead > 0xf4) {
    return 0;
  }
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void append_control(std::string& out, unsigned char byte) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0x0f]);
  }
}

// Appends the sequence at the front of `rest` and returns its length; a byte that starts none
// becomes U+FFFD.
std::size_t append_multibyte(std::string& out, std::string_view rest) {
  const std::size_t length = sequence_length(static_cast<unsigned char>(rest.front()));
  if (length == 0 || length > rest.size() || !is_utf8(rest.substr(0, length))) {
    out.append("\xef\xbf\xbd");
    return 1;
  }
  out.append(rest.substr(0, length));
  return length;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t from = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (kPlain[byte]) [[likely]] {
      ++i;
      continue;
    }
    out.append(text, from, i - from);
    if (byte < 0x80) {
      append_control(out, byte);
      ++i;
    } else {
      i += append_multibyte(out, text.substr(i));
    }
    from = i;
  }
  out.append(text, from, i - from);
  out.push_back('"');
}

// NOLINTNEXTLINE(misc-no-recursion): the readers bound the depth.
void write_node(JsonWriter& json, const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Null:
      json.null();
      return;
    case Node::Kind::Bool:
    case Node::Kind::Number:
      json.raw(node.text());
      return;
    case Node::Kind::String:
      json.value(node.text());
      return;
    case Node::Kind::List:
      json.begin_array();
      for (const Node& item : node.items()) {
        write_node(json, item);
      }
      json.end_array();
      return;
    case Node::Kind::Map:
      break;
  }
  json.begin_object();
  for (const Node::Member& member : node.members()) {
    json.key(member.key);
    write_node(json, member.value);
  }
  json.end_object();
}

void JsonWriter::separate() {
  if (needs_comma_) {
    out_.push_back(',');
  }
  needs_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_.push_back('{');
  needs_comma_ = false;
  ++depth_;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  DCHECK(depth_ > 0);
  --depth_;
  out_.push_back('}');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_.push_back('[');
  needs_comma_ = false;
  ++depth_;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  DCHECK(depth_ > 0);
  --depth_;
  out_.push_back(']');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_.push_back(':');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(bool boolean) {
  separate();
  out_.append(boolean ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) {
    return null();
  }
  separate();
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_.append("null");
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::signed_number(std::int64_t number) {
  separate();
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::unsigned_number(std::uint64_t number) {
  separate();
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out_.append(digits.data(), end);
  return *this;
}

}  // namespace vallum::codec
