#include "crypto/jose/jws.h"

#include <array>
#include <utility>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jwk.h"

namespace vallum::crypto {
namespace {

using codec::Base64;

// {"alg":"HS256","typ":"JWT"}
constexpr std::string_view kHs256Header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
// A set may hold this many keys without being told apart by id; more would multiply the work a
// forger can cause.
constexpr std::size_t kKeysTriedMax = 8;
// RSA with 8192 bits.
constexpr std::size_t kSignatureBytesMax = 1024;

Unexpected malformed(const char* text) {
  return fail(ErrorKind::InvalidInput, text);
}

Result<std::string> decode_payload(std::string_view encoded) {
  const auto payload = codec::decode_base64(encoded, Base64::UrlRaw);
  if (!payload) {
    return malformed("jws: the payload is not base64url");
  }
  return std::string(as_text(*payload));
}

std::string sign_under(Hmac& key, std::string encoded_header, std::string_view payload) {
  std::string out = std::move(encoded_header);
  out += '.';
  codec::append_base64(out, as_bytes(payload), Base64::UrlRaw);
  const Mac mac = key.mac(as_bytes(out));
  out += '.';
  codec::append_base64(out, mac, Base64::UrlRaw);
  return out;
}

}  // namespace

Result<UnverifiedJws> UnverifiedJws::parse(std::string_view compact, const JwsLimits& limits) {
  if (compact.size() > limits.bytes_max) {
    return malformed("jws: too long");
  }
  const std::size_t first_dot = compact.find('.');
  const std::size_t second_dot =
      first_dot == std::string_view::npos ? first_dot : compact.find('.', first_dot + 1);
  if (second_dot == std::string_view::npos ||
      compact.find('.', second_dot + 1) != std::string_view::npos) {
    return malformed("jws: not three parts");
  }
  UnverifiedJws jws;
  jws.signing_input_ = compact.substr(0, second_dot);
  jws.payload_ = compact.substr(first_dot + 1, second_dot - first_dot - 1);
  const std::string_view signature = compact.substr(second_dot + 1);
  if (signature.size() > kSignatureBytesMax / 3 * 4 + 4) {
    return malformed("jws: the signature is too long");
  }
  auto decoded = codec::decode_base64(signature, Base64::UrlRaw);
  if (!decoded || decoded->empty()) {
    return malformed("jws: the signature is empty or not base64url");
  }
  jws.signature_ = *std::move(decoded);
  TRY_OK(jws.read_header(compact.substr(0, first_dot), limits));
  return jws;
}

Result<void> UnverifiedJws::read_header(std::string_view encoded, const JwsLimits& limits) {
  if (encoded == kHs256Header) {
    algorithm_ = JwsAlgorithm::Hs256;
    return {};
  }
  if (encoded.size() > limits.header_bytes_max) {
    return malformed("jws: the header is too long");
  }
  const auto bytes = codec::decode_base64(encoded, Base64::UrlRaw);
  if (!bytes) {
    return malformed("jws: the header is not base64url");
  }
  const codec::ReadLimits json_limits{
      .bytes_max = limits.header_bytes_max, .depth_max = 8, .nodes_max = 200};
  TRY(const codec::Node header,
      codec::parse_json(as_text(*bytes), json_limits, codec::DuplicateKeys::Refuse));
  if (!header.is_map()) {
    return malformed("jws: the header is not an object");
  }
  // RFC 7515 4.1.11: an extension that is not understood must be refused, and none is. RFC 7797
  // changes what is signed.
  if (header.find("crit") != nullptr || header.find("b64") != nullptr) {
    return malformed("jws: 'crit' and 'b64' are not supported");
  }
  const codec::Node* algorithm = header.find("alg");
  if (algorithm == nullptr || !algorithm->is_string()) {
    return malformed("jws: no 'alg'");
  }
  const auto known = parse_jws_algorithm(algorithm->text());
  if (!known) {
    return malformed("jws: unknown 'alg'");
  }
  algorithm_ = *known;
  if (const codec::Node* key_id = header.find("kid")) {
    if (!key_id->is_string()) {
      return malformed("jws: 'kid' is not text");
    }
    key_id_ = key_id->text();
  }
  if (const codec::Node* type = header.find("typ"); type != nullptr && type->is_string()) {
    type_ = type->text();
  }
  return {};
}

std::optional<std::string> UnverifiedJws::unverified_issuer() const {
  const Result<std::string> payload = decode_payload(payload_);
  const auto claims = payload ? parse_claims(*payload) : Result<codec::Node>(codec::Node());
  const codec::Node* issuer = claims ? claims->find("iss") : nullptr;
  return issuer != nullptr && issuer->is_string() ? std::optional(issuer->text()) : std::nullopt;
}

std::string sign_hs256(Hmac& key, std::string_view payload) {
  return sign_under(key, std::string(kHs256Header), payload);
}

std::string sign_hs256(Hmac& key, std::string_view payload, std::string_view key_id) {
  const std::string header =
      R"({"alg":"HS256","kid":")" + std::string(key_id) + R"(","typ":"JWT"})";
  return sign_under(key, codec::encode_base64(as_bytes(header), Base64::UrlRaw), payload);
}

Result<std::string> verify_hs256(Hmac& key, const UnverifiedJws& jws) {
  if (jws.algorithm_ != JwsAlgorithm::Hs256) {
    return fail(ErrorKind::Unauthenticated, "jws: 'alg' is not HS256");
  }
  if (!key.verify(as_bytes(jws.signing_input_), jws.signature_)) {
    return fail(ErrorKind::Unauthenticated, "jws: signed with another key, or altered");
  }
  return decode_payload(jws.payload_);
}

Result<std::string> verify_hs256(Hmac& key, std::string_view compact, const JwsLimits& limits) {
  TRY(const UnverifiedJws jws, UnverifiedJws::parse(compact, limits));
  return verify_hs256(key, jws);
}

Result<std::string> verify_jws(const JwkSet& keys,
                               JwsAlgorithmSet allowed,
                               const UnverifiedJws& jws) {
  if (!allowed.contains(jws.algorithm_)) {
    return fail(ErrorKind::Unauthenticated,
                "jws: 'alg' " + std::string(to_string(jws.algorithm_)) + " is not allowed here");
  }
  std::size_t tried = 0;
  for (const Jwk& key : keys.keys()) {
    if (jws.key_id_ && key.key_id() != *jws.key_id_) {
      continue;
    }
    if (!key.can_verify(jws.algorithm_)) {
      continue;
    }
    if (key.verify(jws.algorithm_, as_bytes(jws.signing_input_), jws.signature_)) {
      return decode_payload(jws.payload_);
    }
    if (++tried == kKeysTriedMax) {
      break;
    }
  }
  if (tried == 0) {
    return fail(ErrorKind::NotFound, "jws: no key with its 'kid' and 'alg' in the key set");
  }
  return fail(ErrorKind::Unauthenticated, "jws: the signature is wrong");
}

}  // namespace vallum::crypto
