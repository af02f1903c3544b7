#include "codec/json.h"

#include <string>

#include <boost/json/basic_parser_impl.hpp>

#include "base/strings.h"
#include "codec/node_builder.h"
#include "codec/text_cursor.h"

namespace vallum::codec {

namespace {

namespace bj = boost::json;

// Takes the parser's events. The position of an event is the start of the token that is being fed.
class Events {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names.
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  Events(const ReadLimits& limits, DuplicateKeys duplicates) : builder(limits, duplicates) {}

  static bool on_document_begin(bj::error_code&) { return true; }
  static bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code& ec) { return check(builder.open_map(token_at), ec); }
  bool on_array_begin(bj::error_code& ec) { return check(builder.open_list(token_at), ec); }
  bool on_object_end(std::size_t, bj::error_code& ec) { return close(ec); }
  bool on_array_end(std::size_t, bj::error_code& ec) { return close(ec); }

  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return keep(part); }
  bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
    keep(part);
    builder.key(take(), token_at);
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return keep(part); }
  bool on_string(bj::string_view part, std::size_t, bj::error_code& ec) {
    keep(part);
    return add(Node::string(take(), token_at), ec);
  }
  bool on_number_part(bj::string_view part, bj::error_code&) { return keep(part); }
  bool on_int64(std::int64_t, bj::string_view part, bj::error_code& ec) {
    return on_number(part, ec);
  }
  bool on_uint64(std::uint64_t, bj::string_view part, bj::error_code& ec) {
    return on_number(part, ec);
  }
  bool on_double(double, bj::string_view part, bj::error_code& ec) { return on_number(part, ec); }
  bool on_bool(bool value, bj::error_code& ec) { return add(Node::boolean(value, scalar_at), ec); }
  bool on_null(bj::error_code& ec) { return add(Node::null(scalar_at), ec); }
  static bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  static bool on_comment(bj::string_view, bj::error_code&) { return true; }

  NodeBuilder builder;
  Position token_at;
  // A number ends only with the token behind it.
  Position scalar_at;
  std::optional<ReadError> error;
  std::string pending;  // of a text that comes in parts

 private:
  bool keep(bj::string_view part) {
    pending.append(part.data(), part.size());
    return true;
  }
  std::string take() { return std::exchange(pending, {}); }

  bool on_number(bj::string_view part, bj::error_code& ec) {
    keep(part);
    return add(Node::number(take(), scalar_at), ec);
  }
  bool close(bj::error_code& ec) {
    auto node = builder.close();
    if (!node) {
      return check(std::move(node).error(), ec);
    }
    return add(*std::move(node), ec);
  }
  bool add(Node node, bj::error_code& ec) { return check(builder.add(std::move(node)), ec); }
  bool check(std::optional<ReadError> failure, bj::error_code& ec) {
    if (!failure) {
      return true;
    }
    error = std::move(failure);
    ec = bj::make_error_code(bj::error::exception);  // Stops the parser; `error` says why.
    return false;
  }
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_structural(char c) {
  return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
}

bool is_scalar_byte(char c) {
  return !is_space(c) && !is_structural(c) && c != '"';
}

// Length of the token at the front: the parser is fed one at a time because it does not say where
// it is. White space in a row is one token.
std::size_t token_length(std::string_view rest) {
  const auto run = [&](auto belongs) {
    std::size_t length = 1;
    while (length < rest.size() && belongs(rest[length])) {
      ++length;
    }
    return length;
  };
  if (is_structural(rest.front())) {
    return 1;
  }
  if (is_space(rest.front())) {
    return run(is_space);
  }
  if (rest.front() != '"') {
    return run(is_scalar_byte);
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      return i + 1;
    }
    i += rest[i] == '\\' ? 1U : 0U;
  }
  return rest.size();
}

std::string describe(const bj::error_code& ec) {
  if (ec == bj::error::incomplete) {
    return "the text ends inside a value";
  }
  return "not JSON: " + ec.message();
}

}  // namespace

ReadResult<Node> parse_json(std::string_view text,
                            const ReadLimits& limits,
                            DuplicateKeys duplicates) {
  if (auto error = check_text(text, limits)) {
    return std::unexpected(*std::move(error));
  }
  bj::parse_options options;
  options.max_depth = limits.depth_max + 1;  // The builder refuses first, with a position.
  bj::basic_parser<Events> parser(options, limits, duplicates);
  Events& events = parser.handler();
  TextCursor cursor(text);
  bj::error_code ec;
  while (cursor.offset() < text.size() && !ec) {
    const std::string_view rest = text.substr(cursor.offset());
    const std::size_t length = token_length(rest);
    events.token_at = cursor.position();
    if (is_scalar_byte(rest.front())) {
      events.scalar_at = cursor.position();
    }
    if (parser.done() && !is_space(rest.front())) {
      return read_failure(cursor.position(), "text after the value");
    }
    parser.write_some(true, rest.data(), length, ec);
    if (!ec) {
      cursor.advance_to(cursor.offset() + length);
    }
  }
  if (!ec) {
    parser.write_some(false, "", 0, ec);
  }
  if (events.error) {
    return std::unexpected(*std::move(events.error));
  }
  if (ec) {
    return read_failure(cursor.position(), describe(ec));
  }
  return events.builder.take_root();
}

}  // namespace vallum::codec
