#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "databroker/store/keys_at_rest.h"

// What a running process and the commands of an operator tell each other about keys: one JSON
// object each. Nothing in it is secret.
namespace vallum::databroker {

std::string encode_key_facts(const KeyFacts& facts);
Result<KeyFacts> decode_key_facts(std::string_view text);

std::string encode_key_step(const KeysAtRest::Step& step);
Result<KeysAtRest::Step> decode_key_step(std::string_view text);

// Whether something was changed.
std::string encode_key_change(bool changed);
Result<bool> decode_key_change(std::string_view text);

}  // namespace vallum::databroker
