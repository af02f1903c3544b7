#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <string_view>

#include "http/syntax/fields.h"
#include "http/syntax/h1_error.h"

namespace vallum::http {

// Concerns one connection and is consumed there (RFC 9110 7.6.1), whatever Connection names.
// Content-Length, Transfer-Encoding and Host are not a matter of passing on: whoever writes a head
// writes its own.
bool is_hop_by_hop(FieldId id);

// The fields that a message's Connection declares to concern this hop only. They are taken out of
// what was received, and of nothing else: a head is written from the fields that pass, and ours are
// added to those, so that no client can name them away.
class ConnectionOptions {
 public:
  static constexpr std::size_t kNamesMax = 16;

  // ConnectionMalformed for more names than anybody needs.
  static std::expected<ConnectionOptions, H1Error> of(const Fields& fields);

  // Whether a received field goes on to the next hop. Views of `fields` must still be valid.
  bool passes(const Field& field) const;

 private:
  std::array<std::string_view, kNamesMax> names_;
  std::size_t count_ = 0;
};

}  // namespace vallum::http
