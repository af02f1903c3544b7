#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "config/choice.h"
#include "config/reading.h"
#include "config/runtime_flags.h"

// The values of options that have a syntax of their own.
namespace vallum::config {

namespace {

using codec::Node;

constexpr std::string_view kClaimHeaderPrefix = "x-pomerium-claim-";

// A JSON text inside a string, for environment variables. The node itself otherwise.
const Node* unfolded(Reading& reading, const Node* node) {
  const std::string_view text = trim_space(node->text());
  if (!node->is_string() || !(text.starts_with('{') || text.starts_with('['))) {
    return node;
  }
  auto parsed = codec::parse_json(text, {}, codec::DuplicateKeys::Refuse);
  return parsed ? &reading.keep(*std::move(parsed)) : node;
}

// host:port with a literal host, or none.
bool parse_bind_address(std::string_view text, BindAddress& into) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535) {
    return false;
  }
  std::string_view host = text.substr(0, colon);
  BindAddress address{.host = std::nullopt, .port = static_cast<std::uint16_t>(*port)};
  if (host == "localhost") {
    address.host = IpAddress::loopback_v4();
  } else if (!host.empty()) {
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    host = bracketed ? host.substr(1, host.size() - 2) : host;
    address.host = IpAddress::parse(host);
    if (!address.host || bracketed == address.host->is_v4()) {
      return false;
    }
  }
  into = address;
  return true;
}

bool add_header(Reading& reading,
                const Node& at,
                HeaderLine line,
                std::vector<HeaderLine>& headers) {
  if (!is_token(line.name)) {
    reading.fault(at, quoted(line.name) + " is not a header name");
    return false;
  }
  if (!is_field_value(line.value)) {
    reading.fault(at, "the value of " + line.name + " holds a control character");
    return false;
  }
  const bool again =
      std::ranges::any_of(headers, [&](const HeaderLine& h) { return iequals(h.name, line.name); });
  if (again) {
    reading.fault(at, "header " + line.name + " is given twice");
    return false;
  }
  headers.push_back(std::move(line));
  return true;
}

// "K:V,K2:V2", as the variable HEADERS may be written.
bool read_header_text(Reading& reading, const Node& node, std::vector<HeaderLine>& into) {
  std::vector<HeaderLine> headers;
  for (const std::string_view piece : split(node.text(), ',')) {
    const std::size_t colon = piece.find(':');
    if (colon == std::string_view::npos) {
      reading.fault(node, quoted(piece) + " has no ':' between name and value");
      return false;
    }
    HeaderLine line{.name = std::string(piece.substr(0, colon)),
                    .value = std::string(piece.substr(colon + 1))};
    if (!add_header(reading, node, std::move(line), headers)) {
      return false;
    }
  }
  into = std::move(headers);
  return true;
}

bool add_claim(Reading& reading,
               const Node& at,
               ClaimHeader header,
               std::vector<ClaimHeader>& headers) {
  if (!is_token(header.header) || header.claim.empty()) {
    reading.fault(at, quoted(header.header) + " is not a header name");
    return false;
  }
  const bool again = std::ranges::any_of(
      headers, [&](const ClaimHeader& h) { return iequals(h.header, header.header); });
  if (again) {
    reading.fault(at, "header " + header.header + " is given twice");
    return false;
  }
  headers.push_back(std::move(header));
  return true;
}

bool add_claim_names(Reading& reading,
                     const Node& node,
                     std::string_view text,
                     std::vector<ClaimHeader>& headers) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(", \t\r\n"), text.size());
    const std::string_view claim = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (claim.empty()) {
      continue;
    }
    ClaimHeader header{.header = std::string(kClaimHeaderPrefix).append(claim),
                       .claim = std::string(claim)};
    if (!add_claim(reading, node, std::move(header), headers)) {
      return false;
    }
  }
  return true;
}

bool read_claim_map(Reading& reading, const Node& map, std::vector<ClaimHeader>& headers) {
  for (const Node::Member& member : map.members()) {
    auto claim = scalar_text(member.value);
    if (!claim) {
      reading.fault(member.value, "header " + member.key + " takes the name of one claim");
      return false;
    }
    ClaimHeader header{.header = to_lower(member.key), .claim = *std::move(claim)};
    if (!add_claim(reading, member.value, std::move(header), headers)) {
      return false;
    }
  }
  return true;
}

bool read_claim_list(Reading& reading, const Node& list, std::vector<ClaimHeader>& headers) {
  for (const Node& item : list.items()) {
    const auto claim = scalar_text(item);
    if (!claim) {
      reading.fault(item, std::string(kind_of(item)).append(" is not the name of a claim"));
      return false;
    }
    ClaimHeader header{.header = std::string(kClaimHeaderPrefix).append(*claim), .claim = *claim};
    if (!add_claim(reading, item, std::move(header), headers)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool read_into(Reading& reading, const Node& node, BindAddress& into) {
  const auto text = scalar_text(node);
  if (!text || !parse_bind_address(*text, into)) {
    reading.fault(node,
                  quoted(text.value_or("")) + " is not an address to listen on",
                  "write host:port with an IP address or no host, such as :443 or 127.0.0.1:443");
    return false;
  }
  return true;
}

bool read_into(Reading& reading, const Node& node, std::optional<BindAddress>& into) {
  std::string text = scalar_text(node).value_or("");
  for (const char quote : {'"', '\''}) {
    text.erase(0, text.starts_with(quote) ? 1 : 0);
    text.erase(text.size() - (text.ends_with(quote) ? 1 : 0));
  }
  if (text.empty() && node.is_scalar()) {
    into.reset();
    return true;
  }
  BindAddress address;
  const Node unquoted = node.is_string() ? Node::string(text, node.position()) : node;
  if (!read_into(reading, unquoted, address)) {
    return false;
  }
  into = address;
  return true;
}

bool read_into(Reading& reading, const Node& given, std::vector<HeaderLine>& into) {
  const Node& node = *unfolded(reading, &given);
  if (node.is_string() && !node.text().empty()) {
    return read_header_text(reading, node, into);
  }
  if (!node.is_map()) {
    reading.fault(node, std::string(kind_of(node)).append(" is not a mapping of headers"));
    return false;
  }
  std::vector<HeaderLine> headers;
  for (const Node::Member& member : node.members()) {
    auto text = scalar_text(member.value);
    if (!text) {
      reading.fault(member.value, "header " + member.key + " takes a string");
      return false;
    }
    if (!add_header(reading, member.value, {member.key, *std::move(text)}, headers)) {
      return false;
    }
  }
  into = std::move(headers);
  return true;
}

bool read_into(Reading& reading, const Node& given, std::vector<ClaimHeader>& into) {
  const Node& node = *unfolded(reading, &given);
  std::vector<ClaimHeader> headers;
  bool good = false;
  if (node.is_map()) {
    good = read_claim_map(reading, node, headers);
  } else if (node.is_list()) {
    good = read_claim_list(reading, node, headers);
  } else if (node.is_string()) {
    good = add_claim_names(reading, node, node.text(), headers);
  } else {
    reading.fault(node,
                  std::string(kind_of(node)).append(" names no claims"),
                  "write a mapping of headers to claims, or a list of claims");
  }
  if (good) {
    into = std::move(headers);
  }
  return good;
}

bool read_into(Reading& reading, const Node& given, RuntimeFlags& into) {
  const Node& node = *unfolded(reading, &given);
  if (!node.is_map()) {
    reading.fault(node, std::string(kind_of(node)).append(" is not a mapping of flags"));
    return false;
  }
  bool good = true;
  for (const Node::Member& member : node.members()) {
    bool value = false;
    if (!read_into(reading, member.value, value)) {
      good = false;
      continue;
    }
    set_runtime_flag(reading, member, value, into);
  }
  return good;
}

void check_shape(Reading& reading, const Option& option, const Node& node) {
  bool flag = false;
  std::uint32_t count = 0;
  Duration duration{};
  BindAddress address;
  std::vector<std::string> list;
  std::vector<Secret> secrets;
  std::string text;
  switch (option.type) {
    case OptionType::Bool:
      read_into(reading, node, flag);
      return;
    case OptionType::Count:
    case OptionType::Milliseconds:
      read_into(reading, node, count);
      return;
    case OptionType::Duration:
      read_into(reading, node, duration);
      return;
    case OptionType::Address:
      if (!scalar_text(node).value_or("").empty()) {
        read_into(reading, node, address);
      }
      return;
    case OptionType::TextList:
      read_into(reading, node, list);
      return;
    case OptionType::Text:
    case OptionType::Number:
    case OptionType::Url:
    case OptionType::Secret:
    case OptionType::File:
      read_into(reading, node, text);
      return;
    case OptionType::SecretList:
      read_into(reading, node, secrets);
      return;
    case OptionType::Choice:
      if (const auto choice = scalar_text(node);
          !choice || !match_choice(*choice, option.choices)) {
        std::string cure = "write one of";
        for (const std::string_view name : option.choices) {
          cure.append(" ").append(usual_spelling(name, option.choices));
        }
        reading.fault(node, quoted(choice.value_or("")) + " is not a value of this option", cure);
      }
      return;
    case OptionType::Block:
      if (!node.is_map()) {
        reading.fault(node, std::string(kind_of(node)).append(" is not a mapping"));
      }
      return;
    case OptionType::TextMap:
    case OptionType::Any:
      return;
  }
}

}  // namespace vallum::config
