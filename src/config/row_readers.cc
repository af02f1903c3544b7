#include "config/row_readers.h"

#include <algorithm>
#include <span>
#include <utility>

#include <libpsl.h>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "config/choice.h"
#include "config/destination.h"

namespace vallum::config {

namespace {

using codec::Node;

// The key of the option being read, without "routes[2].".
std::string key_of(const Reading& reading) {
  const std::string& option = reading.option();
  return option.substr(option.rfind('.') + 1);
}

void keep_policy_key(Reading& reading, const Value& value, Node node, RouteTarget& target) {
  target.inputs.policy_keys.push_back(
      {.key = key_of(reading), .position = value.place.at, .value = std::move(node)});
}

void add_certificate_files(Reading& reading,
                           const Node& item,
                           std::vector<CertificateFiles>& into) {
  CertificateFiles files;
  files.place = {.source = reading.value().place.source, .at = item.position()};
  files.key_place = files.place;
  for (const Node::Member& member : item.members()) {
    const std::string key = to_lower(member.key);
    if (key == "cert" || key == "key") {
      read_into(reading, member.value, key == "cert" ? files.cert : files.key);
    } else {
      reading.report().unknown({.source = files.place.source, .at = member.position},
                               reading.option(),
                               "unknown option " + quoted("certificates." + member.key));
    }
  }
  if (files.cert.empty() || files.key.empty()) {
    reading.fault(item, "each certificate needs cert and key");
    return;
  }
  into.push_back(std::move(files));
}

// One entry of match_subject_alt_names.
void add_client_name(Reading& reading, const Node& item, std::vector<crypto::NamePattern>& into) {
  constexpr std::string_view kCure =
      "write {TYPE: PATTERN} with dns, email, ip_address, uri or user_principal_name";
  if (!item.is_map() || item.members().size() != 1) {
    reading.fault(item, "each entry has one type and its pattern", std::string(kCure));
    return;
  }
  const Node::Member& member = item.members().front();
  const std::optional<crypto::NameType> type = crypto::find_name_type(member.key);
  if (!type) {
    reading.fault(item, quoted(member.key) + " is not a type of name", std::string(kCure));
    return;
  }
  crypto::NamePattern pattern{.type = *type, .pattern = {}};
  if (!read_into(reading, member.value, pattern.pattern)) {
    return;
  }
  const auto checked = crypto::NamePatterns::make(std::span(&pattern, 1));
  if (!checked) {
    reading.fault(member.value, std::string(checked.error().message()));
    return;
  }
  into.push_back(std::move(pattern));
}

// The text of $ROUTES: base64 of a YAML list. Null after a fault.
const Node* decode_routes(Reading& reading, const Value& value, Place& place) {
  const auto bytes = codec::decode_base64(trim_space(value.node->text()), codec::Base64::Std);
  if (!bytes) {
    reading.fault(*value.node, "is neither a list of routes nor base64 of one");
    return nullptr;
  }
  auto parsed = codec::parse_yaml(as_text(*bytes));
  if (!parsed) {
    reading.report().error({.source = place.source, .at = parsed.error().position},
                           reading.option(),
                           reading.option() + ": " + parsed.error().text);
    return nullptr;
  }
  return &reading.keep(*std::move(parsed));
}

}  // namespace

Wrong is_positive(const Duration& value) {
  return value > Duration::zero() ? Wrong() : Wrong("must be more than 0");
}

Wrong is_not_negative(const Duration& value) {
  return value >= Duration::zero() ? Wrong() : Wrong("must not be negative");
}

Wrong is_maybe_not_negative(const std::optional<Duration>& value) {
  return value ? is_not_negative(*value) : Wrong();
}

Wrong is_count(const std::uint32_t& value) {
  return value > 0 ? Wrong() : Wrong("must be more than 0");
}

Wrong is_cache_size(const std::uint32_t& value) {
  constexpr std::uint32_t kMax = 1U << 24U;
  return value > 0 && value <= kMax ? Wrong() : Wrong("must be from 1 to 16777216");
}

Wrong has_port(const BindAddress& value) {
  return value.port != 0 ? Wrong() : Wrong("the port must be from 1 to 65535");
}

Wrong has_port_if_any(const std::optional<BindAddress>& value) {
  return value ? has_port(*value) : Wrong();
}

Wrong is_cookie_name(const std::string& value) {
  return is_token(value) ? Wrong() : Wrong(quoted(value) + " is not a cookie name");
}

Wrong is_cookie_domain(const std::string& value) {
  if (value.empty()) {
    return {};
  }
  // A leading dot means the same to browsers (RFC 6265 5.2.3).
  const std::string domain = to_lower(value.starts_with('.') ? value.substr(1) : value);
  const auto authority = http::Authority::parse(domain);
  if (!authority || authority->is_ip() || authority->port()) {
    return quoted(value) + " is not a domain";
  }
  if (psl_is_public_suffix(psl_builtin(), domain.c_str()) != 0) {
    return quoted(value) + " is a public suffix: browsers refuse cookies for it";
  }
  return {};
}

Wrong is_server_name(const std::string& value) {
  const auto authority = http::Authority::parse(value);
  return value.empty() || (authority && !authority->port())
             ? Wrong()
             : Wrong(quoted(value) + " is not a host name");
}

Wrong are_tokens(const std::vector<std::string>& value) {
  const auto bad = std::ranges::find_if_not(value, is_token);
  return bad == value.end() ? Wrong() : Wrong(quoted(*bad) + " is not a header name");
}

void read_public_address(Reading& reading, const Value& value, GlobalTarget& target) {
  const auto ip = IpAddress::parse(scalar_text(*value.node).value_or(""));
  // "::1:443" would be an address too: IPv6 needs its brackets.
  if (ip && ip->is_v4()) {
    target.settings.address = {.host = ip, .port = 443};
    return;
  }
  read_into(reading, *value.node, target.settings.address);
}

void read_certificates(Reading& reading, const Value& value, GlobalTarget& target) {
  if (!value.node->is_list()) {
    reading.fault(*value.node,
                  std::string(kind_of(*value.node)) + " is not a list of certificates");
    return;
  }
  for (const Node& item : value.node->items()) {
    add_certificate_files(reading, item, target.inputs.certificates);
  }
}

void read_block(Reading& reading, const Value& value, GlobalTarget& /*target*/) {
  if (!value.node->is_map()) {
    reading.fault(*value.node, std::string(kind_of(*value.node)) + " is not a mapping");
  }
}

void read_client_names(Reading& reading, const Value& value, GlobalTarget& target) {
  if (!value.node->is_list()) {
    reading.fault(*value.node,
                  std::string(kind_of(*value.node)) + " is not a list of names",
                  "write a list of {TYPE: PATTERN}");
    return;
  }
  for (const Node& item : value.node->items()) {
    add_client_name(reading, item, target.inputs.client_names);
  }
}

void read_provider_url(Reading& reading, const Value& value, GlobalTarget& target) {
  ProviderSettings& provider = target.settings.provider;
  if (read_into(reading, *value.node, provider.url) && provider.url) {
    provider.issuer = scalar_text(*value.node).value_or("");
  }
}

std::vector<Value> read_route_list(Reading& reading, const Value& value) {
  const Node* list = value.node;
  Place place = value.place;
  if (list->is_string()) {
    list = decode_routes(reading, value, place);
    if (list == nullptr) {
      return {};
    }
  }
  if (!list->is_list()) {
    reading.report().error(
        {.source = place.source, .at = list->position()},
        reading.option(),
        reading.option() + ": " + std::string(kind_of(*list)) + " is not a list of routes");
    return {};
  }
  std::vector<Value> routes;
  for (const Node& item : list->items()) {
    routes.push_back({.node = &item, .place = {.source = place.source, .at = item.position()}});
  }
  return routes;
}

void read_balancing(Reading& reading, const Value& value, RouteTarget& target) {
  const Option& option = *find_option(OptionScope::Route, "load_balancing_policy");
  check_shape(reading, option, *value.node);
  const auto choice = match_choice(scalar_text(*value.node).value_or("-"), option.choices);
  if (!choice) {
    return;
  }
  const std::string name = usual_spelling(option.choices[*choice], option.choices);
  target.route.sends_routing_key = name == "ring_hash" || name == "maglev";
  if (name != "unspecified" && name != "round_robin") {
    reading.notice(*value.node, "choosing a destination by " + name + " is not built yet");
  }
}

void read_source(Reading& reading, const Value& value, RouteTarget& target) {
  std::string text;
  if (!read_into(reading, *value.node, text)) {
    return;
  }
  auto source = parse_route_source(text);
  if (!source) {
    reading.fault(
        *value.node,
        quoted(text) + " is not an absolute URL: " + std::string(source.error().message()),
        "write scheme and host, such as https://app.example.com");
    return;
  }
  target.route.from = *std::move(source);
  // Tunnels may have a path: policy would take it for a mistake.
  if (target.route.from.kind == RouteSource::Kind::Http) {
    keep_policy_key(reading, value, Node::string(std::move(text), value.node->position()), target);
  }
}

void read_destinations(Reading& reading, const Value& value, RouteTarget& target) {
  read_destination_list(reading, *value.node, target);
  keep_policy_key(reading, value, *value.node, target);
}

void read_policy_flag(Reading& reading, const Value& value, RouteTarget& target) {
  bool flag = false;
  if (read_into(reading, *value.node, flag)) {
    keep_policy_key(reading, value, Node::boolean(flag, value.node->position()), target);
  }
}

void read_policy_list(Reading& reading, const Value& value, RouteTarget& target) {
  std::vector<std::string> items;
  if (!read_into(reading, *value.node, items)) {
    return;
  }
  std::vector<Node> nodes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool has_own = value.node->is_list();
    nodes.push_back(Node::string(
        std::move(items[i]), has_own ? value.node->items()[i].position() : value.node->position()));
  }
  keep_policy_key(reading, value, Node::list(std::move(nodes), value.node->position()), target);
}

void read_policy_node(Reading& reading, const Value& value, RouteTarget& target) {
  keep_policy_key(reading, value, *value.node, target);
}

void keep_policy_tests(Reading&, const Value& value, RouteTarget& target) {
  target.inputs.tests = value.node;
}

void keep_shadow_policy(Reading&, const Value& value, RouteTarget& target) {
  target.inputs.shadow_policy = value.node;
}

}  // namespace vallum::config
