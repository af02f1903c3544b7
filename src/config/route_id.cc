#include "config/route_id.h"

#include <algorithm>
#include <array>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "codec/percent.h"

namespace vallum::config {

namespace {

// Builds the byte stream that is hashed.
class Stream {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      byte(static_cast<std::uint8_t>((value >> shift) & 0xff));
    }
  }
  void text(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }

  // Members of a map: unset, or set and its value.
  void maybe_bool(const codec::Node* node) {
    byte(node == nullptr ? 0 : 1);
    if (node != nullptr) {
      byte(node->is_bool() && node->as_bool() ? 1 : 0);
    }
  }
  void maybe_text(const codec::Node* node) {
    byte(node == nullptr ? 0 : 1);
    if (node != nullptr) {
      text(node->text());
    }
  }
  void maybe_number(const codec::Node* node) {
    byte(node == nullptr ? 0 : 1);
    if (node != nullptr) {
      u32(static_cast<std::uint32_t>(node->as_i64().value_or(0)));
    }
  }

  std::string digest() const {
    std::array<std::byte, 8> digest{};
    store_be64(XXH3_64bits(bytes_.data(), bytes_.size()), digest.data());
    return to_hex(digest);
  }

 private:
  std::string bytes_;
};

// What Go's escaping of a decoded path leaves as it is.
bool is_plain_in_path(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || std::string_view("-_.~$&+,/:;=@").contains(c);
}

std::string escaped_path(std::string_view decoded) {
  std::string out;
  for (const char c : decoded) {
    out.append(is_plain_in_path(c) ? std::string(1, c) : codec::percent_encode(std::string(1, c)));
  }
  return out;
}

void add_destination(Stream& stream, std::string_view url, std::uint32_t weight) {
  const std::size_t mark = std::min(url.find("://"), url.size());
  const std::string_view scheme = url.substr(0, mark);
  std::string_view rest = url.substr(std::min(mark + 3, url.size()));
  const std::size_t hash = std::min(rest.find('#'), rest.size());
  const std::string_view fragment = rest.substr(std::min(hash + 1, rest.size()));
  rest = rest.substr(0, hash);
  // A bare "?" at the end counts, the query itself does not.
  const std::size_t question = std::min(rest.find('?'), rest.size());
  const bool force_query = question + 1 == rest.size();
  rest = rest.substr(0, question);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view path = rest.substr(slash);
  const std::string decoded = codec::percent_decode(path).value_or(std::string(path));

  stream.text(to_lower(scheme));
  stream.text("");  // opaque
  stream.byte(0);   // no user
  stream.text(rest.substr(0, slash));
  stream.text(decoded);
  stream.text(escaped_path(decoded) == path ? std::string_view() : path);
  stream.byte(0);  // never without host
  stream.byte(force_query ? 1 : 0);
  stream.text(codec::percent_decode(fragment).value_or(std::string(fragment)));
  stream.text("");
  stream.u32(weight);
}

}  // namespace

std::string route_id(const RouteIdParts& parts) {
  Stream stream;
  stream.text(parts.from);
  stream.text(parts.prefix);
  stream.text(parts.path);
  stream.text(parts.regex);
  if (parts.to != nullptr && !parts.to->empty()) {
    stream.byte(1);
    stream.u32(static_cast<std::uint32_t>(parts.to->size()));
    for (std::size_t i = 0; i < parts.to->size(); ++i) {
      add_destination(stream, (*parts.to)[i], (*parts.weights)[i]);
    }
  } else if (parts.redirect != nullptr) {
    const codec::Node& redirect = *parts.redirect;
    stream.byte(2);
    stream.maybe_bool(redirect.find("https_redirect"));
    stream.maybe_text(redirect.find("scheme_redirect"));
    stream.maybe_text(redirect.find("host_redirect"));
    stream.maybe_number(redirect.find("port_redirect"));
    stream.maybe_text(redirect.find("path_redirect"));
    stream.maybe_text(redirect.find("prefix_rewrite"));
    stream.maybe_number(redirect.find("response_code"));
    stream.maybe_bool(redirect.find("strip_query"));
  } else if (parts.response != nullptr) {
    const codec::Node* const status = parts.response->find("status");
    const codec::Node* const body = parts.response->find("body");
    stream.byte(3);
    stream.u32(static_cast<std::uint32_t>(status == nullptr ? 0 : status->as_i64().value_or(0)));
    stream.text(body == nullptr ? std::string_view() : std::string_view(body->text()));
  }
  return stream.digest();
}

std::uint64_t checksum_of(const codec::Node& route) {
  std::string text;
  codec::JsonWriter json(text);
  codec::write_node(json, route);
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace vallum::config
