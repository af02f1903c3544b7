#include <algorithm>
#include <array>
#include <utility>

#include "codec/json.h"
#include "crypto/jose/jws.h"
#include "identity/engine.h"

namespace vallum::identity {
namespace {

using codec::Node;

constexpr const char* kAccessToken = "access token";

Unexpected unauthenticated(std::string text) {
  return fail(ErrorKind::Unauthenticated, std::move(text));
}

// An object of an answer that was asked for with a token.
Result<Node> parse_object(const http::ClientResponse& response, std::string_view what) {
  const codec::ReadLimits limits{.bytes_max = Limits::kUserinfoBytesMax,
                                 .depth_max = Limits::kClaimDepthMax,
                                 .nodes_max = Limits::kClaimNodesMax};
  auto object = codec::parse_json(response.body, limits, codec::DuplicateKeys::Refuse);
  if (!object || !object->is_map()) {
    return fail(ErrorKind::Unavailable,
                std::string(what) + ": not a JSON object within its limits");
  }
  return *std::move(object);
}

bool is_text(const Node* node, std::string_view text) {
  return node != nullptr && node->is_string() && node->text() == text;
}

// Who a token was issued to and for, and when it holds. What is signed or introspected is about the
// token; what userinfo says of the like is about nothing that is defined.
bool is_about_token(std::string_view name) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"appid", "aud", "azp", "cid", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope"});
  return std::ranges::find(kNames, name) != kNames.end();
}

// Userinfo's members over the token's, but for those about the token.
Node merge_facts(const Node& facts, const Node& userinfo) {
  std::vector<Node::Member> kept;
  for (const Node::Member& member : userinfo.members()) {
    if (!is_about_token(member.key)) {
      kept.push_back(member);
    }
  }
  return merge_userinfo(facts, Node::map(std::move(kept)));
}

// As sign-in names users: Azure's subject differs per application.
std::string user_id_of(const Node& claims, const std::string& subject) {
  const Node* object_id = claims.find("oid");
  return object_id != nullptr && object_id->is_string() && !object_id->text().empty()
             ? object_id->text()
             : subject;
}

}  // namespace

Async<TokenHolder> Provider::Engine::verify_identity_token(Secret token, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  CO_TRY(const SignedToken found,
         co_await verify_signed(&keys_, metadata->algorithms, &token, "id token", deadline));
  // RFC 9068 2.1: this type is an access token's, and some providers put our client into its
  // audience.
  if (found.type == "at+jwt" || found.type == "application/at+jwt") {
    co_return unauthenticated("id token: it is an access token");
  }
  const WallTime now = core_.clock().wall();
  CO_TRY(IdTokenFacts facts,
         check_id_token(found.claims,
                        {.issuer = settings_.issuer,
                         .client_id = settings_.client_id,
                         .nonce = std::nullopt,
                         .access_token = std::nullopt,
                         .hash = found.hash,
                         .now = now}));
  CO_TRY_OK(validity_of(found.claims, now, "id token"));
  CO_TRY(TokenHolder holder, describe_holder(merge_userinfo(found.claims, Node::map({}))));
  holder.user_id = user_id_of(found.claims, facts.subject);
  holder.issuer = settings_.issuer;
  holder.subject = std::move(facts.subject);
  holder.said_at = facts.issued_at;
  holder.expires_at = facts.expires_at;
  co_return holder;
}

Async<TokenHolder> Provider::Engine::verify_access_token(Secret token, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  CO_TRY(const std::optional<Node> facts, co_await token_facts(metadata, &token, deadline));
  const WallTime now = core_.clock().wall();
  Validity validity;
  if (facts) {
    CO_TRY(validity, validity_of(*facts, now, kAccessToken));
  }
  CO_TRY(const Node userinfo, co_await ask_userinfo(metadata, &token, deadline));
  CO_TRY(std::string subject, subject_of(userinfo, "userinfo"));
  const Node* named = facts ? facts->find("sub") : nullptr;
  if (named != nullptr && !is_text(named, subject)) {
    co_return unauthenticated("userinfo: 'sub' is not the user of the access token");
  }
  const Node claims =
      facts ? merge_facts(*facts, userinfo) : merge_userinfo(Node::map({}), userinfo);
  CO_TRY(TokenHolder holder, describe_holder(claims));
  holder.user_id = user_id_of(claims, subject);
  holder.issuer = settings_.issuer;
  holder.subject = std::move(subject);
  holder.said_at = now;
  holder.expires_at = validity.expires_at;
  co_return holder;
}

// What is known of an access token itself. Nothing when it is opaque and nobody may be asked.
Async<std::optional<Node>> Provider::Engine::token_facts(KnownMetadata metadata,
                                                         const Secret* token,
                                                         Deadline deadline) {
  CO_TRY(std::optional<Node> facts, co_await read_signed(token, deadline));
  if (!facts) {
    CO_TRY(facts, co_await introspect(metadata, token, deadline));
  }
  co_return facts;
}

// Nothing unless it is a token that the provider signed. One that is signed otherwise is as opaque
// to us as any other text.
Async<std::optional<Node>> Provider::Engine::read_signed(const Secret* token, Deadline deadline) {
  const auto jws = crypto::UnverifiedJws::parse(token->expose_text());
  const auto allowed = crypto::JwsAlgorithmSet::asymmetric();
  if (!jws || !allowed.contains(jws->algorithm())) {
    co_return std::nullopt;
  }
  auto found = co_await verify_signed(&keys_, allowed, token, kAccessToken, deadline);
  if (!found && found.error().kind() == ErrorKind::Unauthenticated) {
    co_return std::nullopt;
  }
  CO_TRY(SignedToken good, std::move(found));
  if (!is_text(good.claims.find("iss"), settings_.issuer)) {
    co_return unauthenticated("access token: 'iss' is not the provider's issuer");
  }
  co_return std::move(good.claims);
}

// RFC 7662. Nothing when the provider offers it to nobody, or not to us.
Async<std::optional<Node>> Provider::Engine::introspect(KnownMetadata metadata,
                                                        const Secret* token,
                                                        Deadline deadline) {
  if (!metadata->introspection_endpoint) {
    co_return std::nullopt;
  }
  codec::Query form;
  form.add("token", token->expose_text());
  form.add("token_type_hint", "access_token");
  http::ClientRequest request =
      authenticated_form(*metadata, *metadata->introspection_endpoint, std::move(form));
  request.body_bytes_max = Limits::kUserinfoBytesMax;
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  if (response.status == 401 || response.status == 403) {
    co_return std::nullopt;
  }
  if (response.status != 200) {
    co_return fail(ErrorKind::Unavailable,
                   "introspection: answered with status " + std::to_string(response.status));
  }
  CO_TRY(Node answer, parse_object(response, "introspection"));
  const Node* active = answer.find("active");
  if (active == nullptr || !active->is_bool() || !active->as_bool()) {
    co_return unauthenticated("access token: the provider says that it is not active");
  }
  co_return answer;
}

Async<Node> Provider::Engine::ask_userinfo(KnownMetadata metadata,
                                           const Secret* token,
                                           Deadline deadline) {
  if (!metadata->userinfo_endpoint) {
    co_return unauthenticated("access token: the provider has no userinfo to verify it by");
  }
  http::ClientRequest request{.url = *metadata->userinfo_endpoint,
                              .body_bytes_max = Limits::kUserinfoBytesMax};
  request.headers.add("Authorization", "Bearer " + std::string(token->expose_text()));
  request.headers.add("Accept", "application/json");
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  // RFC 6750 3.1.
  if (response.status == 400 || response.status == 401 || response.status == 403) {
    co_return unauthenticated("access token: the provider refuses it");
  }
  if (!response.is_success()) {
    co_return fail(ErrorKind::Unavailable,
                   "userinfo: answered with status " + std::to_string(response.status));
  }
  co_return parse_object(response, "userinfo");
}

}  // namespace vallum::identity
