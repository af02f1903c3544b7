#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"
#include "codec/node.h"
#include "codec/read_limits.h"

namespace vallum::codec {

// Turns a reader's events into a Node without recursion, and holds it to the limits. Lists and maps
// are opened, filled and closed; a closed one is handed back so that a reader can look at it before
// it adds it to what is open now.
class NodeBuilder {
 public:
  NodeBuilder(const ReadLimits& limits, DuplicateKeys duplicates)
      : limits_(limits), duplicates_(duplicates) {}

  std::optional<ReadError> open_list(Position at) { return open(Node::Kind::List, at); }
  std::optional<ReadError> open_map(Position at) { return open(Node::Kind::Map, at); }
  // Requires an open map that waits for a key.
  void key(std::string text, Position at);
  // What follows is merged into the open map by YAML's rules instead of being a member of it.
  void merge_key(Position at);
  // Requires an open list or map. Fails on a duplicate key, where those are refused.
  ReadResult<Node> close();
  // Puts a finished value where it belongs. Counts `nodes` against the limit.
  std::optional<ReadError> add(Node value, std::size_t nodes = 1);

  // Whether the next value is a key of the open map.
  bool wants_key() const;
  std::size_t depth() const { return open_.size(); }
  bool is_complete() const { return root_.has_value(); }
  // Requires is_complete().
  Node take_root() { return *std::move(root_); }

 private:
  struct Frame {
    Node::Kind kind = Node::Kind::List;
    Position at;
    std::vector<Node> items;
    std::vector<Node::Member> members;
    Node merged;
    std::string key;
    Position key_at;
    Position merge_at;
    bool has_key = false;
    bool is_merge = false;
  };

  std::optional<ReadError> open(Node::Kind kind, Position at);
  static std::optional<ReadError> add_merge(Frame& frame, Node value);
  static std::optional<ReadError> find_duplicate(const Frame& frame);
  static void merge_into(Frame& frame);

  const ReadLimits& limits_;
  DuplicateKeys duplicates_;
  std::vector<Frame> open_;
  std::size_t nodes_ = 0;
  std::optional<Node> root_;
};

}  // namespace vallum::codec
