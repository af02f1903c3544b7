#include "codec/yaml.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <yaml.h>

#include "base/bytes.h"
#include "base/strings.h"
#include "codec/node_builder.h"
#include "codec/text_cursor.h"
#include "codec/yaml_scalar.h"

namespace vallum::codec {

namespace {

Position position_of(const yaml_mark_t& mark) {
  return {.line = static_cast<std::uint32_t>(mark.line + 1),
          .column = static_cast<std::uint32_t>(mark.column + 1)};
}

std::string_view view_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// libyaml's event parser over a text, with its memory.
class EventParser {
 public:
  explicit EventParser(std::string_view text) : ready_(yaml_parser_initialize(&parser_) == 1) {
    if (ready_) {
      yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
      yaml_parser_set_input_string(&parser_, as_uchar(as_bytes(text)), text.size());
    }
  }
  EventParser(const EventParser&) = delete;
  EventParser& operator=(const EventParser&) = delete;
  ~EventParser() {
    clear_event();
    if (ready_) {
      yaml_parser_delete(&parser_);
    }
  }

  // The next event, or null when the text is malformed. Until the next call.
  const yaml_event_t* next() {
    clear_event();
    has_event_ = ready_ && yaml_parser_parse(&parser_, &event_) == 1;
    return has_event_ ? &event_ : nullptr;
  }

  ReadError error() const {
    const char* const problem = parser_.problem == nullptr ? "malformed" : parser_.problem;
    Position at = position_of(parser_.problem_mark);
    // Reader errors carry an offset instead of a mark.
    if (parser_.error == YAML_READER_ERROR || !ready_) {
      at = position_of(parser_.mark);
    }
    std::string text = "not YAML: ";
    if (parser_.context != nullptr) {
      text.append(parser_.context).append(": ");
    }
    return {.position = at, .text = text.append(problem)};
  }

 private:
  void clear_event() {
    if (std::exchange(has_event_, false)) {
      yaml_event_delete(&event_);
    }
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool ready_;
  bool has_event_ = false;
};

// What an alias costs: it is counted again each time it is used.
struct Weight {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t depth = 0;
};

// Recursive: bounded by ReadLimits::depth_max.
Weight weigh(const Node& node) {
  Weight weight{.nodes = 1, .bytes = 64 + node.text().size(), .depth = node.is_scalar() ? 0U : 1U};
  const auto include = [&](const Weight& child) {
    weight.nodes += child.nodes;
    weight.bytes += child.bytes;
    weight.depth = std::max(weight.depth, child.depth + 1);
  };
  for (const Node& item : node.items()) {
    include(weigh(item));
  }
  for (const Node::Member& member : node.members()) {
    weight.bytes += member.key.size();
    include(weigh(member.value));
  }
  return weight;
}

// Builds the first document of the event stream.
class DocumentReader {
 public:
  DocumentReader(std::string_view text, const ReadLimits& limits)
      : parser_(text), limits_(limits), builder_(limits, DuplicateKeys::Refuse) {}

  ReadResult<Node> read() {
    while (const yaml_event_t* event = parser_.next()) {
      if (event->type == YAML_STREAM_END_EVENT) {
        return Node::null({.line = 1, .column = 1});
      }
      if (event->type == YAML_DOCUMENT_END_EVENT) {
        return builder_.take_root();
      }
      if (auto error = take(*event)) {
        return std::unexpected(*std::move(error));
      }
    }
    return std::unexpected(parser_.error());
  }

 private:
  struct Anchor {
    Node node;
    Weight weight;
    bool complete = false;
  };

  std::optional<ReadError> take(const yaml_event_t& event) {
    const Position at = position_of(event.start_mark);
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return take_scalar(event, at);
      case YAML_ALIAS_EVENT:
        return take_alias(view_of(event.data.alias.anchor), at);
      case YAML_SEQUENCE_START_EVENT:
        return open(event.data.sequence_start.tag, event.data.sequence_start.anchor, at, false);
      case YAML_MAPPING_START_EVENT:
        return open(event.data.mapping_start.tag, event.data.mapping_start.anchor, at, true);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      default:
        return std::nullopt;
    }
  }

  std::optional<ReadError> open(const yaml_char_t* tag,
                                const yaml_char_t* anchor,
                                Position at,
                                bool is_map) {
    if (builder_.wants_key()) {
      return ReadError{.position = at, .text = "a key must be a string"};
    }
    const std::string_view tag_text = view_of(tag);
    const std::string_view own_tag = is_map ? YAML_MAP_TAG : YAML_SEQ_TAG;
    if (!tag_text.empty() && tag_text != "!" && tag_text != own_tag) {
      return ReadError{.position = at, .text = "unknown tag \"" + std::string(tag_text) + "\""};
    }
    open_anchors_.emplace_back(view_of(anchor));
    begin_anchor(open_anchors_.back());
    return is_map ? builder_.open_map(at) : builder_.open_list(at);
  }

  std::optional<ReadError> close() {
    auto node = builder_.close();
    if (!node) {
      return std::move(node).error();
    }
    auto error = finish_anchor(open_anchors_.back(), *node);
    open_anchors_.pop_back();
    if (error) {
      return error;
    }
    return builder_.add(*std::move(node));
  }

  std::optional<ReadError> take_scalar(const yaml_event_t& event, Position at) {
    const auto& scalar = event.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const std::string_view tag = view_of(scalar.tag);
    const bool is_plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && tag.empty();
    if (builder_.wants_key() && text == "<<" && (is_plain || tag == "tag:yaml.org,2002:merge")) {
      builder_.merge_key(at);
      return std::nullopt;
    }
    auto node = !tag.empty() ? resolve_yaml_tagged(tag, text, at)
                : is_plain   ? resolve_yaml_plain(text, at)
                             : ReadResult<Node>(Node::string(std::string(text), at));
    if (!node) {
      return std::move(node).error();
    }
    const std::string_view anchor = view_of(scalar.anchor);
    if (auto error = finish_anchor(anchor, *node)) {
      return error;
    }
    return add_or_key(*std::move(node), at);
  }

  std::optional<ReadError> add_or_key(Node node, Position at) {
    if (!builder_.wants_key()) {
      return builder_.add(std::move(node));
    }
    if (!node.is_string()) {
      return ReadError{.position = at, .text = "a key must be a string: quote it"};
    }
    builder_.key(node.text(), at);
    return std::nullopt;
  }

  std::optional<ReadError> take_alias(std::string_view name, Position at) {
    const auto it = anchors_.find(name);
    if (it == anchors_.end()) {
      return ReadError{.position = at, .text = "unknown alias \"" + std::string(name) + "\""};
    }
    const Anchor& anchor = it->second;
    if (!anchor.complete) {
      return ReadError{.position = at,
                       .text = "anchor \"" + std::string(name) + "\" contains itself"};
    }
    if (builder_.wants_key()) {
      return add_or_key(anchor.node, at);
    }
    if (builder_.depth() + anchor.weight.depth > limits_.depth_max) {
      return ReadError{.position = at, .text = "an alias nests too deep"};
    }
    if (auto error = spend(anchor.weight, at)) {
      return error;
    }
    return builder_.add(anchor.node, anchor.weight.nodes);
  }

  // A name may be used again: aliases mean the latest.
  void begin_anchor(std::string_view name) {
    if (!name.empty()) {
      anchors_.insert_or_assign(std::string(name), Anchor{});
    }
  }
  std::optional<ReadError> finish_anchor(std::string_view name, const Node& node) {
    if (name.empty()) {
      return std::nullopt;
    }
    const Weight weight = weigh(node);
    if (auto error = spend(weight, node.position())) {
      return error;
    }
    anchors_.insert_or_assign(std::string(name),
                              Anchor{.node = node, .weight = weight, .complete = true});
    return std::nullopt;
  }

  // Every copy that an anchor or an alias makes comes out of one budget.
  std::optional<ReadError> spend(const Weight& weight, Position at) {
    copied_bytes_ += weight.bytes;
    if (copied_bytes_ > limits_.alias_bytes_max) {
      return ReadError{.position = at, .text = "anchors and aliases expand to too much"};
    }
    return std::nullopt;
  }

  EventParser parser_;
  const ReadLimits& limits_;
  NodeBuilder builder_;
  std::vector<std::string> open_anchors_;
  std::unordered_map<std::string, Anchor, StringHash, std::equal_to<>> anchors_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

ReadResult<Node> parse_yaml(std::string_view text, const ReadLimits& limits) {
  if (auto error = check_text(text, limits)) {
    return std::unexpected(*std::move(error));
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (text.empty()) {
    return Node::null({.line = 1, .column = 1});  // libyaml asserts on a null pointer.
  }
  return DocumentReader(text, limits).read();
}

}  // namespace vallum::codec
