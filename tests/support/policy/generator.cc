#include "support/policy/generator.h"

#include <array>
#include <utility>

#include "support/policy/samples.h"

namespace vallum::testing {

using codec::Node;
using Words = std::vector<std::string>;

namespace {

Node string_node(std::string_view text) {
  return Node::string(std::string(text));
}

// A Map in the making.
class MapBuilder {
 public:
  MapBuilder& set(std::string_view key, Node value) {
    members_.push_back({.key = std::string(key), .position = {}, .value = std::move(value)});
    return *this;
  }
  MapBuilder& set(std::string_view key, std::string_view text) {
    return set(key, string_node(text));
  }
  Node build() { return Node::map(std::move(members_)); }

 private:
  std::vector<Node::Member> members_;
};

Node some_value(Choices& choices, const Words& words) {
  switch (choices.below(12)) {
    case 0:
      return Node::number(choices.one_in(2) ? "3" : "3.0");
    case 1:
      return Node::boolean(choices.one_in(2));
    case 2:
      return Node::null();
    case 3: {
      std::vector<Node> items;
      items.push_back(string_node(choices.pick(words)));
      return Node::list(std::move(items));
    }
    case 4:
      return MapBuilder().set("k", choices.pick(words)).build();
    default:
      return string_node(choices.pick(words));
  }
}

// Not a Map, which would be read as operators.
Node some_shorthand(Choices& choices, const Words& words) {
  Node value = some_value(choices, words);
  return value.is_map() ? string_node(choices.pick(words)) : value;
}

Node some_list(Choices& choices, const Words& words) {
  std::vector<Node> items;
  for (std::uint32_t left = choices.below(4); left > 0; --left) {
    items.push_back(some_value(choices, words));
  }
  return Node::list(std::move(items));
}

Node string_matcher(Choices& choices, const Words& words, bool is_domain) {
  if (choices.one_in(2)) {
    return is_domain ? string_node(choices.pick(words)) : some_shorthand(choices, words);
  }
  constexpr std::array<std::string_view, 7> kOperators{
      "is", "not", "contains", "starts_with", "ends_with", "in", "not_in"};
  MapBuilder matcher;
  for (std::uint32_t i = 0; i < kOperators.size(); ++i) {
    if (!choices.one_in(4)) {
      continue;
    }
    if (i >= 5) {
      matcher.set(kOperators[i], some_list(choices, words));
    } else if (i >= 2 || is_domain) {
      const std::string& word = choices.pick(words);
      matcher.set(kOperators[i], word.substr(0, choices.one_in(2) ? word.size() : word.size() / 2));
    } else {
      matcher.set(kOperators[i], some_value(choices, words));
    }
  }
  return matcher.build();
}

Node list_matcher(Choices& choices, const Words& words) {
  if (choices.one_in(2)) {
    return some_shorthand(choices, words);
  }
  MapBuilder matcher;
  for (const std::string_view name : {"has", "is", "exclude"}) {
    if (choices.one_in(2)) {
      matcher.set(name, some_value(choices, words));
    }
  }
  return matcher.build();
}

// One of the texts, or a list of some of them.
Node texts(Choices& choices, const Words& all) {
  if (choices.one_in(2)) {
    return string_node(choices.pick(all));
  }
  std::vector<Node> items;
  for (std::uint32_t left = choices.below(4); left > 0; --left) {
    items.push_back(string_node(choices.pick(all)));
  }
  return Node::list(std::move(items));
}

Node networks(Choices& choices) {
  return texts(choices,
               {"203.0.113.10",
                "203.0.113.0/24",
                "203.0.113.11/31",
                "10.0.0.0/8",
                "0.0.0.0/0",
                "2001:db8::/32",
                "2001:db8::7",
                "::/0",
                "::ffff:203.0.113.10",
                "203.0.112.0/20"});
}

Node ssh_keys(Choices& choices) {
  return texts(choices,
               {std::string(kPlainKey),
                std::string(kAuthorityKey),
                std::string(kUserCertificate),
                std::string(kHostCertificate)});
}

Node certificate_matcher(Choices& choices, const Words& words) {
  const std::string other(64, 'a');
  MapBuilder matcher;
  if (choices.one_in(3)) {
    matcher.set("fingerprint", texts(choices, {std::string(kLeafFingerprint), other}));
  }
  if (choices.one_in(3)) {
    matcher.set(
        "spki_hash",
        texts(choices,
              {std::string(kLeafSpkiHash), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}));
  }
  for (const std::string_view name : {"san_email", "san_dns", "san_uri"}) {
    if (choices.one_in(3)) {
      matcher.set(name, string_matcher(choices, words, false));
    }
  }
  return matcher.build();
}

std::string_view some_device_type(Choices& choices) {
  constexpr std::array<std::string_view, 3> kTypes{"any", "enclave_only", "other"};
  return kTypes[choices.below(kTypes.size())];
}

std::string_view some_credential(Choices& choices) {
  constexpr std::array<std::string_view, 3> kIds{"cred-1", "cred-2", ""};
  return kIds[choices.below(kIds.size())];
}

Node device_matcher(Choices& choices, const Words& words) {
  MapBuilder matcher;
  if (choices.one_in(2)) {
    matcher.set("type", some_device_type(choices));
  }
  if (choices.one_in(3)) {
    matcher.set("is", some_credential(choices));
  }
  if (choices.one_in(2)) {
    matcher.set("approved", some_value(choices, words));
  }
  return matcher.build();
}

// Instants at which something changes: days, weeks, summer time in Berlin and New York.
std::string_view some_instant(Choices& choices) {
  constexpr std::array<std::string_view, 14> kInstants{"2026-03-02T09:30:00Z",
                                                       "2026-03-02T09:29:59Z",
                                                       "2026-03-01T23:59:59Z",
                                                       "2026-03-08T06:59:59Z",
                                                       "2026-03-08T07:00:00Z",
                                                       "2026-03-29T00:59:59Z",
                                                       "2026-03-29T01:00:00Z",
                                                       "2026-10-25T00:59:59Z",
                                                       "2026-10-25T01:00:00Z",
                                                       "2026-11-01T05:59:59Z",
                                                       "2026-11-01T06:00:00Z",
                                                       "2027-12-31T23:59:59Z",
                                                       "2028-02-29T12:00:00Z",
                                                       "2026-07-04T18:30:00Z"};
  return kInstants[choices.below(kInstants.size())];
}

Node date_matcher(Choices& choices) {
  const Words dates{"2026-03-02T09:30:00Z",
                    "2026-03-02T09:30:00.5Z",
                    "2026-03-02T10:30:00+01:00",
                    "2026-03-29 01:00:00",
                    "2026-03-02",
                    "2028-02-29",
                    "2026-11-01T01:30-0430",
                    "2261-12-31T23:59:59Z",
                    "1678-01-01"};
  MapBuilder matcher;
  const std::uint32_t which = choices.below(3);
  if (which != 0) {
    matcher.set("after", choices.pick(dates));
  }
  if (which != 1) {
    matcher.set("before", choices.pick(dates));
  }
  return matcher.build();
}

Node days_matcher(Choices& choices) {
  const Words days{
      "*", "mon", "Monday,wed", "tue-fri", "Sat-Mon", " sunday , thu-THURSDAY ", "mon-sun", "fri"};
  const std::string& text = choices.pick(days);
  return choices.one_in(2) ? string_node(text) : MapBuilder().set("is", text).build();
}

Node time_of_day_matcher(Choices& choices) {
  const Words zones{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"};
  const Words early{"0:00", "2:00", "3 AM", "1:59:59.999999999", "9:30", "10:30 AM", "12AM"};
  const Words late{"12:00", "23:59:59", "3:04 PM", "11PM", "15:00:00.5", "12 pm"};
  MapBuilder matcher;
  matcher.set("timezone", choices.pick(zones));
  const std::uint32_t which = choices.below(4);
  if (which < 2) {
    matcher.set(which == 0 ? "after" : "before", choices.pick(choices.one_in(2) ? early : late));
  } else {
    matcher.set("after", choices.pick(which == 2 ? early : late));
    matcher.set("before", choices.pick(which == 2 ? late : early));
  }
  return matcher.build();
}

const Words& record_types() {
  static const Words kTypes{"geoip", "device", "risk"};
  return kTypes;
}

Node record_value(Choices& choices, const Words& words) {
  constexpr std::array<std::string_view, 10> kNumbers{
      "0", "-0.0", "3", "3.0", "25e-1", "-7", "-70", "1e30", "0.001", "30"};
  return choices.one_in(2) ? Node::number(std::string(kNumbers[choices.below(kNumbers.size())]))
                           : some_value(choices, words);
}

Node record_matcher(Choices& choices, const Words& words) {
  MapBuilder matcher;
  matcher.set("type", choices.pick(record_types()));
  const bool only_exists = choices.one_in(4);
  const bool has_field = !only_exists || choices.one_in(2);
  if (has_field) {
    matcher.set("field", choices.one_in(2) ? "score" : "country");
  }
  if (only_exists || choices.one_in(6)) {
    matcher.set("exists", Node::boolean(choices.one_in(2)));
  }
  if (only_exists) {
    return matcher.build();
  }
  constexpr std::array<std::string_view, 14> kOperators{"is",
                                                        "=",
                                                        "not",
                                                        "has",
                                                        "exclude",
                                                        "<",
                                                        "<=",
                                                        ">=",
                                                        ">",
                                                        "in",
                                                        "not_in",
                                                        "contains",
                                                        "starts_with",
                                                        "ends_with"};
  for (std::uint32_t left = 1 + choices.below(2); left > 0; --left) {
    const std::uint32_t i = choices.below(kOperators.size());
    if (i >= 11) {
      matcher.set(kOperators[i], choices.pick(words));
    } else if (i >= 9) {
      std::vector<Node> items{record_value(choices, words), record_value(choices, words)};
      matcher.set(kOperators[i], Node::list(std::move(items)));
    } else if (i >= 5) {
      const Node operand = record_value(choices, words);
      matcher.set(
          kOperators[i],
          operand.kind() == Node::Kind::Number ? operand : string_node(choices.pick(words)));
    } else {
      matcher.set(kOperators[i], record_value(choices, words));
    }
  }
  return matcher.build();
}

Node some_own_records(Choices& choices, const Words& words) {
  MapBuilder records;
  for (const std::string& type : record_types()) {
    if (choices.one_in(4)) {
      continue;
    }
    MapBuilder fields;
    for (const std::string_view name : {"score", "country"}) {
      if (!choices.one_in(4)) {
        fields.set(name,
                   choices.one_in(3) ? some_list(choices, words) : record_value(choices, words));
      }
    }
    records.set(type, choices.one_in(4) ? Node::null() : fields.build());
  }
  return records.build();
}

struct NamedOperand {
  std::string name;
  Node operand;
};

NamedOperand some_criterion(Choices& choices, const Words& words) {
  switch (choices.below(26)) {
    case 0:
      return {"accept", some_value(choices, words)};
    case 1:
      return {"reject", some_value(choices, words)};
    case 2:
      return {"authenticated_user", some_value(choices, words)};
    case 3:
      return {"user", string_matcher(choices, words, false)};
    case 4:
      return {"email", string_matcher(choices, words, false)};
    case 5:
      return {"domain", string_matcher(choices, words, true)};
    case 6:
      return {"claim/" + choices.pick(words), list_matcher(choices, words)};
    case 7:
      return {"groups", list_matcher(choices, words)};
    case 8:
      return {"http_method", string_matcher(choices, words, false)};
    case 9:
      return {"http_path", string_matcher(choices, words, false)};
    case 10:
      return {"cors_preflight", some_value(choices, words)};
    case 11:
      return {"source_ip", networks(choices)};
    case 12:
      return {"client_certificate", certificate_matcher(choices, words)};
    case 13:
      return {"invalid_client_certificate", some_value(choices, words)};
    case 14:
      return {"device", device_matcher(choices, words)};
    case 15:
      return {"mcp_tool", string_matcher(choices, words, false)};
    case 16:
      return {"ssh_publickey", ssh_keys(choices)};
    case 17:
      return {"ssh_ca", ssh_keys(choices)};
    case 18:
      return {"ssh_username", string_matcher(choices, words, false)};
    case 19:
      return {"ssh_username_matches_email", some_value(choices, words)};
    case 20:
      return {"date", date_matcher(choices)};
    case 21:
      return {"day_of_week", days_matcher(choices)};
    case 22:
      return {"time_of_day", time_of_day_matcher(choices)};
    case 23:
      return {"record", record_matcher(choices, words)};
    case 24:
      return {"pomerium_routes", Node::boolean(choices.one_in(2))};
    default:
      return {"ssh_username_matches_claim", string_node(choices.pick(words))};
  }
}

Node some_body(Choices& choices, const Words& words) {
  MapBuilder body;
  for (const std::string_view logic : {"and", "or", "not", "nor"}) {
    if (!choices.one_in(2)) {
      continue;
    }
    std::vector<Node> criteria;
    for (std::uint32_t left = choices.below(5); left > 0; --left) {
      NamedOperand criterion = some_criterion(choices, words);
      criteria.push_back(MapBuilder().set(criterion.name, std::move(criterion.operand)).build());
    }
    body.set(logic, Node::list(std::move(criteria)));
  }
  return body.build();
}

Node some_claims(Choices& choices, const Words& words) {
  MapBuilder claims;
  // Names once each: a record's claims are a map.
  for (const std::string& word : words) {
    if (choices.one_in(8)) {
      claims.set(word, some_list(choices, words));
    }
  }
  return claims.build();
}

Node some_session(Choices& choices, const Words& words) {
  std::vector<Node> devices;
  for (std::uint32_t left = choices.below(4); left > 0; --left) {
    devices.push_back(MapBuilder()
                          .set("type_id", some_device_type(choices))
                          .set("id", some_credential(choices))
                          .build());
  }
  MapBuilder session;
  session.set("id", "sess-1")
      .set("user_id", choices.one_in(6) ? "" : "user-alice")
      .set("claims", some_claims(choices, words))
      .set("device_credentials", Node::list(std::move(devices)));
  if (choices.one_in(8)) {
    session.set("impersonate_session_id", choices.one_in(2) ? "sess-1" : "sess-gone");
  }
  if (choices.one_in(8)) {
    session.set("expires_at", choices.one_in(2) ? "2020-01-01T00:00:00Z" : "2030-01-01T00:00:00Z");
  }
  return session.build();
}

Node some_devices(Choices& choices) {
  std::vector<Node> credentials;
  std::vector<Node> enrollments;
  for (const std::string_view id : {"cred-1", "cred-2"}) {
    if (choices.one_in(3)) {
      continue;
    }
    const std::string enrollment = "enr-" + std::string(id);
    credentials.push_back(MapBuilder().set("id", id).set("enrollment_id", enrollment).build());
    if (!choices.one_in(3)) {
      enrollments.push_back(MapBuilder()
                                .set("id", enrollment)
                                .set("approved_by", choices.one_in(2) ? "" : "admin")
                                .build());
    }
  }
  return MapBuilder()
      .set("credentials", Node::list(std::move(credentials)))
      .set("enrollments", Node::list(std::move(enrollments)))
      .build();
}

Node some_certificate(Choices& choices) {
  switch (choices.below(5)) {
    case 0:
      return Node::null();
    case 1:
      return MapBuilder()
          .set("presented", Node::boolean(false))
          .set("valid", Node::boolean(false))
          .build();
    case 2:
      return MapBuilder()
          .set("presented", Node::boolean(true))
          .set("valid", Node::boolean(false))
          .set("leaf", "not a certificate")
          .build();
    default:
      return MapBuilder()
          .set("presented", Node::boolean(true))
          .set("valid", Node::boolean(choices.one_in(2)))
          .set("leaf", kLeafWithNames)
          .build();
  }
}

Node some_http(Choices& choices, const Words& words) {
  const Words methods{"GET", "POST", "OPTIONS", ""};
  const Words addresses{
      "203.0.113.10", "10.1.2.3", "2001:db8::7", "::ffff:203.0.113.10", "fe80::1%1"};
  MapBuilder headers;
  if (choices.one_in(2)) {
    headers.set("Origin", "https://other.example");
  }
  if (choices.one_in(2)) {
    headers.set("Access-Control-Request-Method", choices.pick(methods));
  }
  return MapBuilder()
      .set("method", choices.one_in(3) ? choices.pick(words) : choices.pick(methods))
      .set("path", choices.pick(words))
      .set("ip", choices.pick(addresses))
      .set("headers", headers.build())
      .set("client_certificate", some_certificate(choices))
      .build();
}

Node some_ssh(Choices& choices, const Words& words) {
  const std::vector<std::string_view> keys{kPlainKey,
                                           kUserCertificate,
                                           kCertificateFromAnywhereButHere,
                                           kCertificateWithoutPrincipals,
                                           kHostCertificate,
                                           ""};
  return MapBuilder()
      .set("username", choices.one_in(2) ? "ubuntu" : choices.pick(words))
      .set("public_key", choices.pick(keys))
      .build();
}

Node some_mcp(Choices& choices, const Words& words) {
  MapBuilder mcp;
  mcp.set("method", choices.one_in(4) ? choices.pick(words) : "tools/call");
  if (!choices.one_in(4)) {
    mcp.set("tool_call", MapBuilder().set("name", choices.pick(words)).build());
  }
  return mcp.build();
}

}  // namespace

std::uint32_t Choices::below(std::uint32_t count) {
  if (!bytes_.empty()) {
    const std::uint32_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte % count;
  }
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return static_cast<std::uint32_t>((z ^ (z >> 31U)) % count);
}

Words common_words() {
  return {"alice@example.com",
          "bob@example.com",
          "Alice@Example.com",
          "a@b@c",
          "alice",
          "",
          "user-alice",
          "example.com",
          "b",
          "/admin",
          "/admin/x",
          "/",
          "GET",
          "OPTIONS",
          "admins",
          "g-eng",
          "groups",
          "Groups",
          "db_query",
          "ubuntu",
          "3",
          "bob@other.example",
          "a.corp.example.com",
          "spiffe://example.com/bob"};
}

void add_words(const Node& node, Words& words) {
  constexpr std::size_t kWordsMax = 64;
  std::vector<const Node*> open{&node};
  while (!open.empty() && words.size() < kWordsMax) {
    const Node* next = open.back();
    open.pop_back();
    if (next->is_string() && next->text().size() < 100) {
      words.push_back(next->text());
    }
    for (const Node& item : next->items()) {
      open.push_back(&item);
    }
    for (const Node::Member& member : next->members()) {
      open.push_back(&member.value);
    }
  }
}

Node generate_policy(Choices& choices, const Words& words) {
  std::vector<Node> rules;
  for (std::uint32_t left = 1 + choices.below(3); left > 0; --left) {
    MapBuilder rule;
    rule.set("allow", some_body(choices, words));
    if (choices.one_in(2)) {
      rule.set("deny", some_body(choices, words));
    }
    rules.push_back(rule.build());
  }
  return Node::list(std::move(rules));
}

Node generate_input(Choices& choices, const Words& words) {
  MapBuilder input;
  input.set("http", some_http(choices, words));
  if (!choices.one_in(8)) {
    input.set("time", some_instant(choices));
  }
  if (!choices.one_in(4)) {
    input.set("own_records", some_own_records(choices, words));
  }
  if (!choices.one_in(5)) {
    input.set("session", some_session(choices, words));
  }
  if (!choices.one_in(5)) {
    input.set("user",
              MapBuilder()
                  .set("id", "user-alice")
                  .set("email", choices.pick(words))
                  .set("claims", some_claims(choices, words))
                  .build());
  }
  if (choices.one_in(2)) {
    input.set("groups", some_list(choices, words));
  }
  if (choices.one_in(4)) {
    input.set("directory_user",
              MapBuilder().set("id", "user-alice").set("email", choices.pick(words)).build());
  }
  input.set("devices", some_devices(choices));
  if (choices.one_in(2)) {
    input.set("ssh", some_ssh(choices, words));
  }
  if (choices.one_in(2)) {
    input.set("mcp", some_mcp(choices, words));
  }
  return input.build();
}

}  // namespace vallum::testing
