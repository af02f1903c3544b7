#include "refresh/kept_session.h"

#include <utility>

#include "databroker/payload.h"
#include "identity/stored_user.h"

namespace vallum::refresh {

SessionTimes times_of(const session::SessionRecord& session, std::string_view provider) {
  SessionTimes times;
  const WallTime expires_at = session.expires_at.value_or(WallTime::max());
  if (session.refresh_disabled) {
    times.ends_at = expires_at;
    return times;
  }
  times.ends_at = session.valid_until();
  if (session.idp_id != provider || !session.oauth_token) {
    return times;
  }
  times.provider = session.idp_id;
  times.asks_user_info = !session.oauth_token->access_token.empty();
  if (!session.oauth_token->refresh_token.empty()) {
    times.tokens_expire_at = session.oauth_token->expires_at;
  }
  return times;
}

Result<databroker::Value> with_tokens(const databroker::Value& value,
                                      const session::SessionRecord& session,
                                      const identity::RefreshOutcome& outcome) {
  session::SessionRecord changed;
  std::vector<std::string> mask{"oauth_token"};
  const identity::OAuthTokens& tokens = outcome.tokens;
  changed.oauth_token = session::OauthToken{
      .access_token = tokens.access_token.clone(),
      .token_type = tokens.token_type,
      .expires_at = tokens.expires_at,
      .refresh_token = tokens.refresh_token.empty() ? session.oauth_token->refresh_token.clone()
                                                    : tokens.refresh_token.clone()};
  if (outcome.id_token) {
    mask.emplace_back("id_token");
    changed.id_token = session::IdToken{.issuer = outcome.id_token->issuer,
                                        .subject = outcome.id_token->subject,
                                        .issued_at = outcome.id_token->issued_at,
                                        .expires_at = outcome.id_token->expires_at,
                                        .raw = outcome.id_token->raw.clone()};
  }
  TRY(const databroker::Value from, session::encode_session(changed));
  return databroker::merge_masked(from, value, mask);
}

Result<databroker::Value> with_refresh_token(const databroker::Value& value,
                                             const Secret& refresh_token) {
  session::SessionRecord changed;
  changed.oauth_token = session::OauthToken{.access_token = {},
                                            .token_type = {},
                                            .expires_at = {},
                                            .refresh_token = refresh_token.clone()};
  TRY(const databroker::Value from, session::encode_session(changed));
  return databroker::merge_masked(from, value, {"oauth_token.refresh_token"});
}

Result<databroker::Value> with_claims(const databroker::Value& value,
                                      const identity::Claims& claims) {
  session::SessionRecord changed;
  changed.claims = identity::claim_set(claims);
  TRY(const databroker::Value from, session::encode_session(changed));
  return databroker::merge_masked(from, value, {"claims"});
}

Result<databroker::Value> with_details(const databroker::Value* value,
                                       std::string_view user_id,
                                       const identity::UserDetails& details) {
  const session::UserRecord changed{.id = std::string(user_id),
                                    .name = details.name,
                                    .email = details.email,
                                    .claims = identity::claim_set(details.claims)};
  TRY(databroker::Value from, session::encode_user(changed));
  if (value == nullptr) {
    return from;
  }
  return databroker::merge_masked(from, *value, {"name", "email", "claims"});
}

}  // namespace vallum::refresh
