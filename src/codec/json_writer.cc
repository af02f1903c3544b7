#include "codec/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/byte_words.h"
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

// Not zero when some byte of the word cannot stand in a JSON string as it is. A byte that borrows
// from its neighbour is such a byte itself.
constexpr std::uint64_t any_special(std::uint64_t word) {
  const std::uint64_t one = words::every(1);
  const std::uint64_t found = (word - words::every(0x20)) | ((word ^ words::every('"')) - one) |
                              ((word ^ words::every('\\')) - one) |
                              ((word ^ words::every(0x7f)) - one);
  return (found | word) & words::kHighBits;
}

// Copies the text; returns whether no byte of it needs an escape. Requires room for it.
bool copy_plain(char* to, std::string_view text) {
  const std::size_t size = text.size();
  const char* const from = text.data();
  if (size < sizeof(std::uint64_t)) {
    bool plain = true;
    for (std::size_t i = 0; i < size; ++i) {
      plain &= kPlain[static_cast<unsigned char>(from[i])];
      to[i] = from[i];
    }
    return plain;
  }
  std::uint64_t special = 0;
  const auto copy_word = [&](std::size_t at) {
    const std::uint64_t word = words::load_word(from + at);
    special |= any_special(word);
    std::memcpy(to + at, &word, sizeof word);
  };
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= size; at += sizeof(std::uint64_t)) {
    copy_word(at);
  }
  copy_word(size - sizeof(std::uint64_t));
  return special == 0;
}

char* put(char* to, std::string_view text) {
  // memcpy() must not get the null of an empty view.
  if (!text.empty()) {
    std::memcpy(to, text.data(), text.size());
  }
  return to + text.size();
}

void append_escaped(std::string& out, std::string_view text) {
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
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  JsonWriter(out).value(text);
}

// Recursive: the readers bound the depth.
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
    json.any_key(member.key);
    write_node(json, member.value);
  }
  json.end_object();
}

void JsonWriter::grow(std::size_t bytes) {
  const std::size_t wanted = std::max(out_.capacity(), used_ + bytes);
  out_.resize_and_overwrite(wanted, [](char*, std::size_t size) { return size; });
}

char* JsonWriter::start(std::size_t bytes) {
  if (out_.size() - used_ < bytes + 1) {
    grow(bytes + 1);
  }
  char* to = out_.data() + used_;
  if (needs_comma_) {
    *to++ = ',';
  }
  return to;
}

// A value has ended; with the outermost one the string is the caller's again.
JsonWriter& JsonWriter::ended() {
  needs_comma_ = true;
  if (depth_ == 0) {
    out_.resize(used_);
  }
  return *this;
}

void JsonWriter::quote(std::string_view text, std::string_view after) {
  char* to = start(text.size() + 2 + after.size());
  *to++ = '"';
  if (!copy_plain(to, text)) [[unlikely]] {
    out_.resize(static_cast<std::size_t>(to - out_.data()));
    append_escaped(out_, text);
    append_all(out_, {R"(")", after});
    used_ = out_.size();
    return;
  }
  to += text.size();
  *to++ = '"';
  advance_to(put(to, after));
}

// Text that needs no escapes: a number or a word.
JsonWriter& JsonWriter::token(std::string_view text) {
  advance_to(put(start(text.size()), text));
  return ended();
}

JsonWriter& JsonWriter::begin(char bracket) {
  char* const to = start(1);
  *to = bracket;
  advance_to(to + 1);
  needs_comma_ = false;
  ++depth_;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  DCHECK(depth_ > 0);
  needs_comma_ = false;
  char* const to = start(1);
  *to = bracket;
  advance_to(to + 1);
  --depth_;
  return ended();
}

JsonWriter& JsonWriter::begin_object() {
  return begin('{');
}
JsonWriter& JsonWriter::end_object() {
  return end('}');
}
JsonWriter& JsonWriter::begin_array() {
  return begin('[');
}
JsonWriter& JsonWriter::end_array() {
  return end(']');
}

JsonWriter& JsonWriter::key(JsonKey name) {
  char* to = start(name.text().size() + 3);
  *to++ = '"';
  to = put(to, name.text());
  *to++ = '"';
  *to++ = ':';
  advance_to(to);
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::any_key(std::string_view name) {
  quote(name, ":");
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  quote(text, {});
  return ended();
}

JsonWriter& JsonWriter::value(bool boolean) {
  return token(boolean ? "true" : "false");
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) {
    return null();
  }
  std::array<char, 32> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return token({digits.data(), end});
}

JsonWriter& JsonWriter::null() {
  return token("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  return token(json);
}

JsonWriter& JsonWriter::members_of(std::string_view object) {
  DCHECK(object.starts_with('{') && object.ends_with('}'));
  return object.size() > 2 ? token(object.substr(1, object.size() - 2)) : *this;
}

JsonWriter& JsonWriter::signed_number(std::int64_t number) {
  std::array<char, 24> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return token({digits.data(), end});
}

JsonWriter& JsonWriter::unsigned_number(std::uint64_t number) {
  std::array<char, 24> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return token({digits.data(), end});
}

}  // namespace vallum::codec
