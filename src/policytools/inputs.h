#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/syntax.h"

namespace vallum::policytools {

// What policies look at and a line of the decision log does not carry.
enum class Unlogged : std::uint8_t {
  Groups,
  Claims,
  Devices,
  ClientCertificate,
  PreflightHeaders,
  McpCall,
  Ssh,
  Records,  // and whatever a criterion that this does not know looks at
};

inline constexpr std::size_t kUnloggedCount = static_cast<std::size_t>(Unlogged::Records) + 1;

// "groups".
std::string_view to_string(Unlogged input);

// Of a user: without a session they are known to be absent.
bool needs_session(Unlogged input);

// A set of them in one word.
class UnloggedSet {
 public:
  void insert(Unlogged input) { bits_ |= bit(input); }
  void erase(Unlogged input) { bits_ &= static_cast<std::uint8_t>(~bit(input)); }
  bool contains(Unlogged input) const { return (bits_ & bit(input)) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  static std::uint8_t bit(Unlogged input) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(input));
  }

  std::uint8_t bits_ = 0;
};

UnloggedSet unlogged_of(const policy::PolicySyntax& policy);

}  // namespace vallum::policytools
