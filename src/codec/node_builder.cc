#include "codec/node_builder.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/check.h"

namespace vallum::codec {

namespace {

ReadError error_at(Position at, std::string text) {
  return {.position = at, .text = std::move(text)};
}

}  // namespace

std::optional<ReadError> NodeBuilder::open(Node::Kind kind, Position at) {
  if (open_.size() >= limits_.depth_max) {
    return error_at(at, "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
  }
  Frame& frame = open_.emplace_back();
  frame.kind = kind;
  frame.at = at;
  return std::nullopt;
}

bool NodeBuilder::wants_key() const {
  return !open_.empty() && open_.back().kind == Node::Kind::Map && !open_.back().has_key;
}

void NodeBuilder::key(std::string text, Position at) {
  DCHECK(wants_key());
  Frame& frame = open_.back();
  frame.key = std::move(text);
  frame.key_at = at;
  frame.has_key = true;
  frame.is_merge = false;
}

void NodeBuilder::merge_key(Position at) {
  key({}, at);
  open_.back().is_merge = true;
}

ReadResult<Node> NodeBuilder::close() {
  CHECK(!open_.empty());
  Frame frame = std::move(open_.back());
  open_.pop_back();
  if (frame.kind == Node::Kind::List) {
    return Node::list(std::move(frame.items), frame.at);
  }
  if (duplicates_ == DuplicateKeys::Refuse) {
    if (auto duplicate = find_duplicate(frame)) {
      return std::unexpected(*std::move(duplicate));
    }
  }
  merge_into(frame);
  return Node::map(std::move(frame.members), frame.at);
}

std::optional<ReadError> NodeBuilder::add(Node value, std::size_t nodes) {
  nodes_ += nodes;
  if (nodes_ > limits_.nodes_max) {
    return error_at(value.position(),
                    "holds more than " + std::to_string(limits_.nodes_max) + " values");
  }
  if (open_.empty()) {
    root_ = std::move(value);
    return std::nullopt;
  }
  Frame& frame = open_.back();
  if (frame.kind == Node::Kind::List) {
    frame.items.push_back(std::move(value));
    return std::nullopt;
  }
  CHECK(frame.has_key);
  frame.has_key = false;
  if (frame.is_merge) {
    return add_merge(frame, std::move(value));
  }
  frame.members.push_back(
      {.key = std::move(frame.key), .position = frame.key_at, .value = std::move(value)});
  return std::nullopt;
}

// The value of "<<" is a map, or a list of maps of which earlier ones win.
std::optional<ReadError> NodeBuilder::add_merge(Frame& frame, Node value) {
  if (frame.merge_at.line != 0) {
    return error_at(frame.key_at, "key \"<<\" is given twice");
  }
  frame.merge_at = frame.key_at;
  const bool is_list_of_maps = value.is_list() && std::ranges::all_of(value.items(), &Node::is_map);
  if (!value.is_map() && !is_list_of_maps) {
    return error_at(value.position(), "\"<<\" takes a map or a list of maps");
  }
  frame.merged = std::move(value);
  return std::nullopt;
}

std::optional<ReadError> NodeBuilder::find_duplicate(const Frame& frame) {
  constexpr std::size_t kFew = 16;
  const auto& members = frame.members;
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string& key = members[i].key;
    const auto earlier = members.begin() + static_cast<std::ptrdiff_t>(i);
    const bool duplicate =
        members.size() <= kFew
            ? std::find_if(members.begin(), earlier, [&](const auto& m) { return m.key == key; }) !=
                  earlier
            : !seen.insert(key).second;
    if (duplicate) {
      return error_at(members[i].position, "key \"" + key + "\" is given twice");
    }
  }
  return std::nullopt;
}

void NodeBuilder::merge_into(Frame& frame) {
  if (frame.merged.is_null()) {
    return;
  }
  std::unordered_set<std::string> present;
  for (const Node::Member& member : frame.members) {
    present.insert(member.key);
  }
  const auto merge = [&](const Node& map) {
    for (const Node::Member& member : map.members()) {
      if (present.insert(member.key).second) {
        frame.members.push_back(member);
      }
    }
  };
  merge(frame.merged);
  std::ranges::for_each(frame.merged.items(), merge);
}

}  // namespace vallum::codec
