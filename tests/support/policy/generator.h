#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"

namespace vallum::testing {

// Decisions of a generator: those of the given bytes first, then of the seed. The same bytes and
// seed give the same decisions.
class Choices {
 public:
  explicit Choices(std::uint64_t seed, std::span<const std::uint8_t> bytes = {})
      : bytes_(bytes), state_(seed) {}

  // Requires count > 0.
  std::uint32_t below(std::uint32_t count);
  bool one_in(std::uint32_t count) { return below(count) == 0; }

  template <class T>
  const T& pick(const std::vector<T>& all) {
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::uint64_t state_;
};

// Words that policies and inputs share, so that criteria match about as often as not.
std::vector<std::string> common_words();

// Adds every short string of a tree.
void add_words(const codec::Node& node, std::vector<std::string>& words);

// A policy that compiles.
codec::Node generate_policy(Choices& choices, const std::vector<std::string>& words);

// An input in the form of the policy corpus.
codec::Node generate_input(Choices& choices, const std::vector<std::string>& words);

}  // namespace vallum::testing
