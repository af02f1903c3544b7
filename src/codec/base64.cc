#include "codec/base64.h"

#include <array>

namespace vallum::codec {

namespace {

constexpr std::string_view kStdAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> inverse(std::string_view alphabet) {
  std::array<std::uint8_t, 256> table{};
  table.fill(kInvalid);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr std::array<std::uint8_t, 256> kStdInverse = inverse(kStdAlphabet);
constexpr std::array<std::uint8_t, 256> kUrlInverse = inverse(kUrlAlphabet);

constexpr bool is_url(Base64 form) {
  return form == Base64::Url || form == Base64::UrlRaw;
}
constexpr bool is_padded(Base64 form) {
  return form == Base64::Std || form == Base64::Url;
}

// Returns the text without its padding, or nothing when the padding is not what the form asks for.
std::optional<std::string_view> without_padding(std::string_view text, Base64 form) {
  if (!is_padded(form)) {
    return text;
  }
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  for (int i = 0; i < 2 && text.ends_with('='); ++i) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

void append_base64(std::string& out, ByteView bytes, Base64 form) {
  const std::string_view alphabet = is_url(form) ? kUrlAlphabet : kStdAlphabet;
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  const auto put = [&](std::uint32_t group, unsigned shift) {
    out.push_back(alphabet[(group >> shift) & 0x3f]);
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
    put(group, 18);
    put(group, 12);
    put(group, 6);
    put(group, 0);
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) {
    return;
  }
  const std::uint32_t group = (at(i) << 16) | (left == 2 ? at(i + 1) << 8 : 0);
  put(group, 18);
  put(group, 12);
  if (left == 2) {
    put(group, 6);
  }
  if (is_padded(form)) {
    out.append(3 - left, '=');
  }
}

std::string encode_base64(ByteView bytes, Base64 form) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  append_base64(text, bytes, form);
  return text;
}

std::optional<std::size_t> decode_base64_into(std::string_view text, Base64 form, ByteSpan into) {
  const auto digits = without_padding(text, form);
  if (!digits || digits->size() % 4 == 1) {
    return std::nullopt;
  }
  const std::size_t length = digits->size() * 3 / 4;
  if (length > into.size()) {
    return std::nullopt;
  }
  const auto& table = is_url(form) ? kUrlInverse : kStdInverse;
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t written = 0;
  for (const char c : *digits) {
    const std::uint8_t digit = table[static_cast<unsigned char>(c)];
    if (digit == kInvalid) {
      return std::nullopt;
    }
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      into[written++] = static_cast<std::byte>((bits >> held) & 0xff);
      bits &= (1U << held) - 1;
    }
  }
  if (bits != 0) {
    return std::nullopt;
  }
  return written;
}

std::optional<Bytes> decode_base64(std::string_view text, Base64 form) {
  Bytes bytes(base64_decoded_max(text.size()));
  const auto length = decode_base64_into(text, form, bytes);
  if (!length) {
    return std::nullopt;
  }
  bytes.resize(*length);
  return bytes;
}

}  // namespace vallum::codec
