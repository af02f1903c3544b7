#pragma once

#include <string>
#include <string_view>

#include "codec/node.h"
#include "codec/read_limits.h"

namespace vallum::codec {

// What an untagged plain scalar means: null, boolean, number or string. Fails on .inf and .nan.
ReadResult<Node> resolve_yaml_plain(std::string_view text, Position at);

// The value of a scalar with an explicit tag of YAML's own ("tag:yaml.org,2002:int" and so on).
// Fails when the text is not of that type or the tag is another one.
ReadResult<Node> resolve_yaml_tagged(std::string_view tag, std::string_view text, Position at);

}  // namespace vallum::codec
