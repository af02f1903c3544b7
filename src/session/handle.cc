#include "session/handle.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "codec/node.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jws.h"
#include "crypto/key_encryption_keys.h"

namespace vallum::session {
namespace {

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) {
    return host;
  }
  // More colons without brackets: an IPv6 address by itself.
  const bool is_bare_v6 = !host.starts_with('[') && host.find(':') != colon;
  return is_bare_v6 ? host : host.substr(0, colon);
}

Unexpected fail_handle(const char* why) {
  return fail(ErrorKind::Unauthenticated, why);
}

// A text claim: "" when absent, nothing when it is something else than a text.
std::optional<std::string> text_claim(const codec::Node& claims, std::string_view name) {
  const codec::Node* node = claims.find(name);
  if (node == nullptr) {
    return std::string();
  }
  if (!node->is_string() || node->text().size() > HandleCodec::kIdBytesMax) {
    return std::nullopt;
  }
  return node->text();
}

// False when the claim is there and is not a date.
bool read_date(const codec::Node& claims, std::string_view name, std::optional<WallTime>& to) {
  const codec::Node* node = claims.find(name);
  if (node == nullptr) {
    return true;
  }
  to = crypto::numeric_date(*node);
  return to.has_value();
}

// The specification writes a list and asks readers to take a single text too.
bool read_audience(const codec::Node& claims, std::vector<std::string>& to) {
  const codec::Node* node = claims.find("aud");
  if (node == nullptr) {
    return true;
  }
  if (node->is_string()) {
    to.push_back(node->text());
    return true;
  }
  if (!node->is_list() || node->items().size() > HandleCodec::kAudienceMax) {
    return false;
  }
  for (const codec::Node& item : node->items()) {
    if (!item.is_string()) {
      return false;
    }
    to.push_back(item.text());
  }
  return true;
}

// A hint: what is not an unsigned 64-bit integer is no hint.
std::optional<std::uint64_t> version_claim(const codec::Node& claims, std::string_view name) {
  const codec::Node* node = claims.find(name);
  return node == nullptr || !node->is_number() ? std::nullopt : node->as_u64();
}

Result<Handle> read_claims(const codec::Node& claims) {
  const auto session_id = text_claim(claims, "jti");
  const auto subject = text_claim(claims, "sub");
  const auto object_id = text_claim(claims, "oid");
  const auto issuer = text_claim(claims, "iss");
  const auto idp_id = text_claim(claims, "idp_id");
  if (!session_id || session_id->empty() || session_id->contains('\0')) {
    return fail_handle("session handle: no session id");
  }
  if (!subject || !object_id || !issuer || !idp_id) {
    return fail_handle("session handle: a claim is not a text, or too long");
  }
  Handle handle;
  handle.session_id = *session_id;
  handle.user_id = object_id->empty() ? *subject : *object_id;
  handle.issuer = *issuer;
  handle.idp_id = *idp_id;
  if (!read_audience(claims, handle.audience)) {
    return fail_handle("session handle: 'aud' is not a list of hosts");
  }
  if (!read_date(claims, "iat", handle.issued_at) || !read_date(claims, "nbf", handle.not_before) ||
      !read_date(claims, "exp", handle.expires_at)) {
    return fail_handle("session handle: a time is not a date");
  }
  handle.server_version = version_claim(claims, "databroker_server_version");
  handle.record_version = version_claim(claims, "databroker_record_version");
  return handle;
}

}  // namespace

bool Handle::covers_host(std::string_view host) const {
  // Almost always it is the same text.
  return std::ranges::find(audience, host) != audience.end() ||
         std::ranges::any_of(audience, [wanted = without_port(host)](const std::string& allowed) {
           return iequals(without_port(allowed), wanted);
         });
}

bool Handle::is_current(WallTime now) const {
  return (!not_before || *not_before <= now) && (!expires_at || now < *expires_at);
}

HandleCodec::HandleCodec(const SecretList& shared_keys) {
  CHECK(shared_keys.has_value());
  for (const Secret& key : shared_keys.all()) {
    keys_.push_back({.id = crypto::key_id_text(crypto::key_id_of(key, "vallum/handle-key-id")),
                     .mac = crypto::Hmac(crypto::MacAlgorithm::HmacSha256, key.expose())});
  }
}

std::string HandleCodec::sign(const Handle& handle) {
  std::string payload;
  codec::JsonWriter json(payload);
  json.begin_object().key("aud").begin_array();
  for (const std::string& host : handle.audience) {
    json.value(host);
  }
  json.end_array();
  if (handle.record_version) {
    json.member("databroker_record_version", *handle.record_version);
  }
  if (handle.server_version) {
    json.member("databroker_server_version", *handle.server_version);
  }
  if (handle.expires_at) {
    json.member("exp", unix_seconds(*handle.expires_at));
  }
  if (handle.issued_at) {
    json.member("iat", unix_seconds(*handle.issued_at));
  }
  json.member("idp_id", handle.idp_id).member("iss", handle.issuer);
  json.member("jti", handle.session_id);
  if (handle.not_before) {
    json.member("nbf", unix_seconds(*handle.not_before));
  }
  json.member("sub", handle.user_id).end_object();
  return crypto::sign_hs256(keys_.front().mac, payload, keys_.front().id);
}

Result<std::string> HandleCodec::payload_of(std::string_view text) {
  TRY(const auto jws,
      crypto::UnverifiedJws::parse(text, {.bytes_max = kTextBytesMax, .header_bytes_max = 256}));
  const auto named = std::ranges::find_if(
      keys_, [&jws](const Key& key) { return jws.key_id() && key.id == *jws.key_id(); });
  if (named != keys_.end()) {
    return crypto::verify_hs256(named->mac, jws);
  }
  for (Key& key : keys_) {
    if (auto payload = crypto::verify_hs256(key.mac, jws)) {
      return payload;
    }
  }
  return fail_handle("session handle: no key verifies it");
}

Result<Handle> HandleCodec::verify(std::string_view text) {
  const auto payload = payload_of(text);
  if (!payload) {
    return fail_handle("session handle: not signed with the shared secret by HS256");
  }
  const auto claims = crypto::parse_claims(*payload, {.bytes_max = kTextBytesMax, .depth_max = 8});
  if (!claims) {
    return fail_handle("session handle: its claims are not one JSON object");
  }
  return read_claims(*claims);
}

}  // namespace vallum::session
