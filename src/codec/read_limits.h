#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "base/error.h"
#include "codec/node.h"

namespace vallum::codec {

// What a reader refuses, so that a small text cannot cost much memory or stack.
struct ReadLimits {
  std::size_t bytes_max = std::size_t{16} << 20;
  // Nested lists and maps. Nodes are copied and destroyed recursively: keep it small.
  std::size_t depth_max = 64;
  std::size_t nodes_max = 1'000'000;
  // What YAML aliases may add by being expanded: text plus 64 bytes per node.
  std::size_t alias_bytes_max = std::size_t{32} << 20;
};

// Why a text could not be read, and where.
struct ReadError {
  Position position;
  std::string text;

  // "LINE:COLUMN: text", so that TRY works in a function that returns a Result.
  operator Error() const;  // NOLINT(google-explicit-constructor): the conversion is the purpose
};

template <class T>
using ReadResult = std::expected<T, ReadError>;

inline std::unexpected<ReadError> read_failure(Position at, std::string text) {
  return std::unexpected<ReadError>(ReadError{.position = at, .text = std::move(text)});
}

}  // namespace vallum::codec
