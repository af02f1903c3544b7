#include "identity/bearer/token_issuer.h"

#include <algorithm>
#include <utility>

#include "identity/metadata.h"

namespace vallum::identity {
namespace {

using codec::Node;

constexpr const char* kToken = "jwt";

Unexpected refused(std::string_view why) {
  return fail(ErrorKind::Unauthenticated, std::string(kToken) + ": " + std::string(why));
}

bool names(const Node& value, std::string_view text) {
  return value.is_string() && value.text() == text;
}

// RFC 7519 4.1.3: one text, or a list of them.
bool is_for(const Node* audience, const std::vector<std::string>& accepted) {
  return audience != nullptr && std::ranges::any_of(accepted, [audience](const auto& one) {
           return names(*audience, one) || std::ranges::any_of(audience->items(), [&](auto& item) {
                    return names(item, one);
                  });
         });
}

}  // namespace

TokenIssuer::TokenIssuer(const Parts& parts, config::TokenIssuer settings)
    : parts_(parts),
      settings_(std::move(settings)),
      keys_(parts_.home,
            parts_.log,
            {.name = "token issuer keys", .fresh_for = Limits::kKeysFresh},
            [this](Deadline deadline) { return load_keys(deadline); }) {}

Async<TokenHolder> TokenIssuer::verify(const Secret* token, Deadline deadline) {
  CO_TRY(const SignedToken found,
         co_await verify_signed(&keys_, settings_.algorithms, token, kToken, deadline));
  const Node& claims = found.claims;
  const Node* issuer = claims.find("iss");
  if (issuer == nullptr || !names(*issuer, settings_.issuer)) {
    co_return refused("'iss' is another issuer");
  }
  if (!is_for(claims.find("aud"), settings_.audiences)) {
    co_return refused("'aud' is none of the audiences of its issuer here");
  }
  const WallTime now = parts_.home.clock().wall();
  CO_TRY(const Validity validity, validity_of(claims, now, kToken));
  if (!validity.expires_at) {
    co_return refused("'exp' is missing");
  }
  CO_TRY(std::string subject, subject_of(claims, kToken));
  CO_TRY(TokenHolder holder, describe_holder(claims));
  holder.user_id = settings_.name + "/" + subject;
  holder.issuer = settings_.issuer;
  holder.subject = std::move(subject);
  holder.said_at = validity.issued_at.value_or(now);
  holder.expires_at = validity.expires_at;
  co_return holder;
}

Async<crypto::JwkSet> TokenIssuer::load_keys(Deadline deadline) {
  CO_TRY(http::Uri url, co_await find_keys(deadline));
  http::ClientRequest request{.url = std::move(url), .body_bytes_max = crypto::JwkSet::kBytesMax};
  CO_TRY(const http::ClientResponse response,
         co_await parts_.http.fetch(std::move(request), deadline));
  co_return parse_keys(response);
}

Async<http::Uri> TokenIssuer::find_keys(Deadline deadline) {
  if (settings_.jwks_url) {
    co_return *settings_.jwks_url;
  }
  CO_TRY(http::Uri url, metadata_url(settings_.issuer));
  http::ClientRequest request{.url = std::move(url), .body_bytes_max = Limits::kMetadataBytesMax};
  CO_TRY(const http::ClientResponse response,
         co_await parts_.http.fetch(std::move(request), deadline));
  if (response.status != 200) {
    co_return fail(ErrorKind::Unavailable,
                   "issuer metadata: answered with status " + std::to_string(response.status));
  }
  auto keys = parse_keys_location(response.body, settings_.issuer);
  if (!keys) {
    co_return fail(ErrorKind::Unavailable, std::string(keys.error().message()));
  }
  co_return keys;
}

}  // namespace vallum::identity
