#pragma once

#include <string_view>

#include "codec/node.h"
#include "codec/read_limits.h"

namespace vallum::codec {

// Reads the first document of a YAML stream; a stream without one gives a Null at line 1.
//
// Scalars resolve as operators of the reference product know them: only true/True/TRUE and
// false/False/FALSE are booleans (yes, no, on and off are strings); integers may be decimal, hex,
// octal (0o17, 017) or binary and become decimal text; floats become JSON number text. Aliases are
// expanded, "<<" merges maps (keys of the map itself win). Refused: duplicate keys, keys that are
// not strings, unknown tags and aliases, an anchor inside itself, .inf and .nan, invalid UTF-8.
ReadResult<Node> parse_yaml(std::string_view text, const ReadLimits& limits = {});

}  // namespace vallum::codec
