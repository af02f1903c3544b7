#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace vallum::codec {

// RFC 4648: section 4 and section 5 ("url") alphabets, with and without "=" padding.
enum class Base64 : std::uint8_t { Std, StdRaw, Url, UrlRaw };

std::string encode_base64(ByteView bytes, Base64 form);
void append_base64(std::string& out, ByteView bytes, Base64 form);

// Exactly one text is accepted for each byte sequence: no white space, no missing or extra padding,
// no stray bits in the last character.
std::optional<Bytes> decode_base64(std::string_view text, Base64 form);

// The same into the caller's memory. Returns the bytes written; nothing when the text is invalid or
// longer than `into` holds. Never allocates.
std::optional<std::size_t> decode_base64_into(std::string_view text, Base64 form, ByteSpan into);

// Bytes that `characters` of text can decode to at most.
constexpr std::size_t base64_decoded_max(std::size_t characters) {
  return characters / 4 * 3 + 3;
}

}  // namespace vallum::codec
