#include "session/assertion_claims.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "session/joined_identity.h"

namespace vallum::session {

namespace {

constexpr std::array<std::string_view, 11> kOwnClaims{
    "iss", "aud", "jti", "iat", "exp", "sub", "user", "email", "groups", "sid", "name"};

// Shortest digits that read back the same; an exponent from 10^6 on and below 10^-4.
std::string number_text(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{}) {
    return std::string(text);
  }
  std::array<char, 40> buffer{};
  char* const end =
      std::to_chars(
          buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific)
          .ptr;
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = scientific.find('e');
  if (e == std::string_view::npos) {
    return std::string(scientific);
  }
  int exponent = 0;
  const std::size_t digits_at = e + (scientific[e + 1] == '+' ? 2 : 1);  // from_chars takes no plus
  std::from_chars(scientific.data() + digits_at, scientific.data() + scientific.size(), exponent);
  if (exponent < -4 || exponent >= 6) {
    return std::string(scientific);
  }
  char* const fixed_end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed)
          .ptr;
  return {buffer.data(), fixed_end};
}

std::optional<std::string> element_text(const policy::Value& element) {
  switch (element.kind()) {
    case policy::Value::Kind::String:
    case policy::Value::Kind::Bool:
      return std::string(element.text());
    case policy::Value::Kind::Number:
      return number_text(element.text());
    case policy::Value::Kind::Null:
    case policy::Value::Kind::Composite:
      break;
  }
  return std::nullopt;
}

bool needs_encoding(char c) {
  return c == ',' || c < 0x20 || c > 0x7e;
}

void append_header_element(std::string& out, std::string_view element) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (std::ranges::none_of(element, needs_encoding)) {
    out.append(element);
    return;
  }
  for (const char c : element) {
    if (needs_encoding(c) || c == '%') {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 0xf]);
    } else {
      out.push_back(c);
    }
  }
}

std::string header_list(const std::vector<std::string>& elements) {
  std::string out;
  for (const std::string& element : elements) {
    out.append(out.empty() ? "" : ",");
    append_header_element(out, element);
  }
  return out;
}

std::vector<std::string> claim_texts(const policy::Claim& claim) {
  std::vector<std::string> texts;
  for (const policy::Value& element : claim.values) {
    if (std::optional<std::string> text = element_text(element)) {
      texts.push_back(*std::move(text));
    }
  }
  return texts;
}

}  // namespace

bool GroupsFilter::passes(std::string_view id) const {
  return ids_.empty() || std::ranges::binary_search(ids_, id);
}

std::size_t GroupsFilter::removed_from(const JoinedIdentity* identity) const {
  if (ids_.empty() || identity == nullptr) {
    return 0;
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      identity->group_ids(), [this](const policy::Value& id) { return !passes(id.text()); }));
}

std::string join_claim(const policy::Claim& claim) {
  std::string joined;
  bool first = true;
  for (const std::string& text : claim_texts(claim)) {
    joined.append(first ? "" : ",").append(text);
    first = false;
  }
  return joined;
}

std::string assertion_name(const JoinedIdentity& identity) {
  const policy::Claim* name = identity.assertion_claim("name");
  return name == nullptr ? std::string() : join_claim(*name);
}

std::vector<std::string> assertion_groups(const JoinedIdentity* identity, GroupsFilter filter) {
  std::vector<std::string> groups;
  if (identity == nullptr) {
    return groups;
  }
  if (!identity->group_ids().empty()) {
    for (const policy::Value& id : identity->group_ids()) {
      if (filter.passes(id.text())) {
        groups.emplace_back(id.text());
      }
    }
    for (const NamedGroup& group : identity->groups()) {
      if (!group.name.empty() && filter.passes(group.id)) {
        groups.emplace_back(group.name);
      }
    }
    return groups;
  }
  const policy::Claim* claim =
      identity->is_service_account() ? nullptr : identity->assertion_claim("groups");
  return claim == nullptr ? groups : claim_texts(*claim);
}

void append_assertion_claims(codec::JsonWriter& json,
                             const JoinedIdentity* identity,
                             std::span<const std::string> extra,
                             GroupsFilter filter) {
  const std::string_view user = identity == nullptr ? std::string_view() : identity->user_id();
  json.member("sub", user).member("user", user);
  json.member("email", identity == nullptr ? std::string_view() : identity->assertion_email());
  json.key("groups").begin_array();
  for (const std::string& group : assertion_groups(identity, filter)) {
    json.value(group);
  }
  json.end_array();
  json.member("sid", identity == nullptr ? std::string_view() : identity->session_id());
  json.member("name", identity == nullptr ? std::string() : assertion_name(*identity));
  for (const std::string& name : extra) {
    const policy::Claim* claim =
        identity == nullptr || std::ranges::find(kOwnClaims, name) != kOwnClaims.end()
            ? nullptr
            : identity->assertion_claim(name);
    if (claim != nullptr) {
      json.any_key(name).value(join_claim(*claim));
    }
  }
}

std::string claim_header_value(const JoinedIdentity* identity,
                               std::string_view claim,
                               GroupsFilter filter) {
  if (identity == nullptr) {
    return {};
  }
  std::string single;
  if (claim == "groups") {
    return header_list(assertion_groups(identity, filter));
  }
  if (claim == "sub" || claim == "user") {
    append_header_element(single, identity->user_id());
  } else if (claim == "email") {
    append_header_element(single, identity->assertion_email());
  } else if (claim == "sid") {
    append_header_element(single, identity->session_id());
  } else if (const policy::Claim* found = identity->assertion_claim(claim); found != nullptr) {
    return header_list(claim_texts(*found));
  }
  return single;
}

}  // namespace vallum::session
