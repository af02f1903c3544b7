#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "databroker/index_entries.h"
#include "databroker/payload.h"
#include "databroker/record.h"
#include "databroker/type_options.h"

namespace vallum::databroker {

// A condition on records, as clients write it in a google.protobuf.Struct (docs/databroker.md has
// the grammar). It bounds what it was made of, so that judging a record is bounded too.
class Filter {
 public:
  static constexpr std::size_t kTermsMax = 512;
  static constexpr int kDepthMax = 24;

  // Every record.
  Filter() = default;
  // InvalidInput, naming the place, for unknown operators, operands an operator has no use for, and
  // filters with too many terms or levels.
  static Result<Filter> parse(const Payload& object);

  bool is_empty() const { return root_.items.empty(); }
  // Whether it asks for more than ids and types.
  bool looks_into_values() const;
  // What it was made of: an object, or null for a filter of every record.
  const Payload& source() const { return source_; }

  // `payload` is absent for a value nobody can look into: it has no fields.
  bool matches(const Record& record, const std::optional<Payload>& payload) const;

  // Where all matches are to be found, so that not every record has to be read.
  struct Lookup {
    std::vector<std::string> ids;
    std::vector<IndexEntry> probes;
  };
  // Nothing when every record has to be read.
  std::optional<Lookup> lookup(const TypeOptions* options) const;

 private:
  enum class Kind : std::uint8_t { And, Or, Not, Term };
  enum class Test : std::uint8_t {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    Empty,
    InNetwork,
  };
  struct Node {
    Kind kind = Kind::And;
    std::vector<Node> items;
    // A term tests what stands at the path.
    FieldPath path;
    Test test = Test::Equal;
    Payload operand;
    IpPrefix network;              // of InNetwork
    std::optional<WallTime> time;  // of an order that is about times alone
  };
  class Parser;
  class Judge;

  static std::optional<Lookup> lookup(const Node& node, const TypeOptions* options);
  static std::optional<Lookup> lookup_term(const Node& term, const TypeOptions* options);

  Node root_;
  Payload source_;
};

// Whether some text of the value holds `lower` in it; letters A to Z count as lower case.
bool has_text(const Payload& payload, std::string_view lower);

}  // namespace vallum::databroker
