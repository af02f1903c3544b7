#pragma once

#include <cstdint>
#include <string_view>

#include "codec/node.h"
#include "codec/read_limits.h"

namespace vallum::codec {

// Policies and peers of the reference product rely on "the last one wins"; tokens and signed
// objects must not.
enum class DuplicateKeys : std::uint8_t { LastWins, Refuse };

// Reads one RFC 8259 value: UTF-8, no comments, nothing but white space after it. Numbers keep
// their text. With LastWins every member is kept in order and Node::find returns the last.
ReadResult<Node> parse_json(std::string_view text,
                            const ReadLimits& limits = {},
                            DuplicateKeys duplicates = DuplicateKeys::LastWins);

}  // namespace vallum::codec
