#include "support/identity/fake_provider.h"

#include <utility>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/http_date.h"
#include "codec/json_writer.h"
#include "codec/percent.h"
#include "crypto/digest.h"
#include "crypto/jose/jws.h"

namespace vallum::testing {
namespace {

using Members = FakeProvider::Members;

std::string quoted(std::string_view text) {
  std::string out;
  codec::append_json_string(out, text);
  return out;
}

std::string json_object(Members members, const Members& overrides) {
  for (const auto& [name, value] : overrides) {
    members[name] = value;
  }
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : members) {
    if (!value.empty()) {
      json.any_key(name).raw(value);
    }
  }
  json.end_object();
  return out;
}

std::string base64url(ByteView bytes) {
  return codec::encode_base64(bytes, codec::Base64::UrlRaw);
}

codec::Query parse_query(std::string_view text) {
  auto query = codec::Query::parse(text);
  CHECK(query.has_value());
  return *std::move(query);
}

std::string value_of(const codec::Query& query, std::string_view name) {
  const std::string* value = query.find(name);
  return value == nullptr ? std::string() : *value;
}

FakeHttpClient::Answer oauth_error(std::string_view code, int status = 400) {
  return answer_json("{\"error\":" + quoted(code) + "}", status);
}

std::string lifetime_text(Duration lifetime) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(lifetime).count());
}

crypto::SigningKeys key_numbered(unsigned number) {
  return crypto::SigningKeys::derive(Secret("fake provider key " + std::to_string(number)));
}

}  // namespace

FakeProvider::FakeProvider(FakeHttpClient& web, const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)), keys_(key_numbered(key_number_)) {
  const auto issuer = http::Uri::parse(options_.issuer);
  CHECK(issuer.has_value());
  web.serve(issuer->origin(),
            [this](const http::ClientRequest& request) { return answer(request); });
}

identity::ProviderSettings FakeProvider::registration(std::string redirect_uri) const {
  return {.issuer = options_.issuer,
          .client_id = options_.client_id,
          .client_secret = Secret(std::string_view(options_.client_secret)),
          .redirect_uri = std::move(redirect_uri),
          .scopes = {},
          .request_params = {}};
}

void FakeProvider::add_user(User user) {
  const std::string subject = user.subject;
  users_.insert_or_assign(subject, std::move(user));
}

FakeProvider::Redirect FakeProvider::sign_in(std::string_view authorization_url,
                                             std::string_view subject) {
  const auto url = http::Uri::parse(authorization_url);
  CHECK(url.has_value() && url->query().has_value());
  const codec::Query query = parse_query(*url->query());
  CHECK(value_of(query, "response_type") == "code");
  CHECK(value_of(query, "client_id") == options_.client_id);
  CHECK(value_of(query, "code_challenge_method") == "S256");
  CHECK(value_of(query, "scope").starts_with("openid"));
  CHECK(users_.contains(subject));
  const std::string code = "code-" + std::to_string(grants_.size() + 1);
  grants_.emplace(code,
                  Grant{.subject = std::string(subject),
                        .redirect_uri = value_of(query, "redirect_uri"),
                        .nonce = value_of(query, "nonce"),
                        .challenge = value_of(query, "code_challenge")});
  return {.code = code, .state = value_of(query, "state"), .issuer = options_.issuer};
}

std::string FakeProvider::issue_id_token(std::string_view subject) const {
  CHECK(users_.contains(subject));
  return id_token_for({.subject = std::string(subject),
                       .redirect_uri = {},
                       .nonce = "of somebody else's question",
                       .challenge = {}},
                      "");
}

std::string FakeProvider::issue_access_token(std::string_view subject) {
  CHECK(users_.contains(subject));
  std::string token = "opaque-" + std::to_string(access_tokens_.size() + 1);
  access_tokens_[token] = subject;
  return token;
}

void FakeProvider::rotate_key() {
  keys_ = key_numbered(++key_number_);
}

int FakeProvider::calls(std::string_view path) const {
  const auto found = calls_.find(path);
  return found == calls_.end() ? 0 : found->second;
}

FakeHttpClient::Answer FakeProvider::answer(const http::ClientRequest& request) {
  std::string path(request.url.path());
  // An issuer may have a path of its own.
  const std::string_view prefix = http::Uri::parse(options_.issuer)->path();
  if (prefix.size() > 1 && path.starts_with(prefix)) {
    path.erase(0, prefix.ends_with('/') ? prefix.size() - 1 : prefix.size());
  }
  ++calls_[path];
  const auto fixed = answers.find(path);
  FakeHttpClient::Answer found =
      fixed == answers.end() ? answer_path(path, request) : fixed->second;
  if (found && found->headers.find("date") == nullptr) {
    found->headers.add("Date", codec::http_date(clock_.wall() + clock_ahead));
  }
  return found;
}

FakeHttpClient::Answer FakeProvider::answer_path(std::string_view path,
                                                 const http::ClientRequest& request) {
  if (path == "/.well-known/openid-configuration") {
    return answer_json(metadata_json());
  }
  if (path == "/jwks") {
    return answer_json(keys_.jwks());
  }
  if (path == "/token") {
    return answer_token(request);
  }
  if (path == "/userinfo") {
    return answer_userinfo(request);
  }
  if (path == "/introspect") {
    return answer_introspection(request);
  }
  if (path == "/revoke") {
    return answer_revocation(request);
  }
  return answer_text(404, "text/plain", "not found");
}

std::string FakeProvider::metadata_json() const {
  const std::string base = options_.issuer.ends_with('/')
                               ? options_.issuer.substr(0, options_.issuer.size() - 1)
                               : options_.issuer;
  return json_object(
      {{"issuer", quoted(options_.issuer)},
       {"authorization_endpoint", quoted(base + "/authorize")},
       {"token_endpoint", quoted(base + "/token")},
       {"jwks_uri", quoted(base + "/jwks")},
       {"userinfo_endpoint", quoted(base + "/userinfo")},
       {"end_session_endpoint", quoted(base + "/logout")},
       {"revocation_endpoint", quoted(base + "/revoke")},
       {"response_types_supported", R"(["code"])"},
       {"subject_types_supported", R"(["public"])"},
       {"id_token_signing_alg_values_supported", R"(["ES256","RS256"])"},
       {"token_endpoint_auth_methods_supported", R"(["client_secret_basic","client_secret_post"])"},
       {"code_challenge_methods_supported", R"(["S256"])"},
       {"authorization_response_iss_parameter_supported", "true"}},
      metadata);
}

FakeHttpClient::Answer FakeProvider::answer_token(const http::ClientRequest& request) {
  if (request.method != http::Method::Post) {
    return oauth_error("invalid_request");
  }
  if (!knows_client(request)) {
    return oauth_error("invalid_client", 401);
  }
  const codec::Query form = parse_query(request.body);
  if (value_of(form, "grant_type") == "refresh_token") {
    return answer_refresh(value_of(form, "refresh_token"));
  }
  const auto found = grants_.find(value_of(form, "code"));
  if (value_of(form, "grant_type") != "authorization_code" || found == grants_.end()) {
    return oauth_error("invalid_grant");
  }
  Grant& grant = found->second;
  const std::string verifier = value_of(form, "code_verifier");
  if (std::exchange(grant.used, true) || value_of(form, "redirect_uri") != grant.redirect_uri ||
      base64url(crypto::sha256(as_bytes(verifier))) != grant.challenge) {
    return oauth_error("invalid_grant");
  }
  const std::string access_token = "access-token-of-" + found->first;
  access_tokens_[access_token] = grant.subject;
  const std::string refresh_token = "refresh-token-of-" + found->first;
  families_[refresh_token] = {.subject = grant.subject, .name = found->first};
  return answer_json(json_object({{"access_token", quoted(access_token)},
                                  {"refresh_token", quoted(refresh_token)},
                                  {"token_type", R"("Bearer")"},
                                  {"expires_in", lifetime_text(access_token_lifetime)},
                                  {"id_token", quoted(id_token_for(grant, access_token))}},
                                 token_answer));
}

// A token is "refresh-token-of-code-1" or, when it came of a refresh, that with "/2" and so on.
FakeHttpClient::Answer FakeProvider::answer_refresh(std::string_view token) {
  const std::size_t slash = token.find('/');
  const auto found = families_.find(token.substr(0, slash));
  if (found == families_.end() || found->second.is_revoked) {
    return oauth_error("invalid_grant");
  }
  Family& family = found->second;
  const std::string current = family.generation == 1
                                  ? found->first
                                  : found->first + "/" + std::to_string(family.generation);
  if (token != current) {
    ++consumed_tokens_seen_;
    family.is_revoked = true;
    return oauth_error("invalid_grant");
  }
  ++refreshes_;
  const std::string access_token =
      "access-token-" + std::to_string(refreshes_) + "-of-" + family.name;
  access_tokens_[access_token] = family.subject;
  Members members{{"access_token", quoted(access_token)},
                  {"token_type", R"("Bearer")"},
                  {"expires_in", lifetime_text(access_token_lifetime)}};
  if (rotates) {
    ++family.generation;
    members["refresh_token"] = quoted(found->first + "/" + std::to_string(family.generation));
  }
  if (renews_id_tokens) {
    const Grant grant{.subject = family.subject, .redirect_uri = {}, .nonce = {}, .challenge = {}};
    members["id_token"] = quoted(id_token_for(grant, access_token));
  }
  return answer_json(json_object(std::move(members), token_answer));
}

void FakeProvider::forget(std::string_view subject) {
  for (auto& [token, family] : families_) {
    family.is_revoked = family.is_revoked || family.subject == subject;
  }
}

std::string FakeProvider::id_token_for(const Grant& grant, std::string_view access_token) const {
  const std::int64_t now = unix_seconds(clock_.wall() + clock_ahead);
  const auto hash = crypto::sha256(as_bytes(access_token));
  Members members = users_.find(grant.subject)->second.claims;
  members["iss"] = quoted(options_.issuer);
  members["sub"] = quoted(grant.subject);
  members["aud"] = quoted(options_.client_id);
  members["iat"] = std::to_string(now);
  members["exp"] = std::to_string(now + 3600);
  members["at_hash"] = quoted(base64url(ByteView(hash).first(16)));
  if (!grant.nonce.empty()) {
    members["nonce"] = quoted(grant.nonce);
  }
  const std::string payload = json_object(std::move(members), id_token);
  return signer ? signer(payload) : key().sign(payload);
}

FakeHttpClient::Answer FakeProvider::answer_userinfo(const http::ClientRequest& request) const {
  std::string_view token = request.headers.value("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  const auto found = token.starts_with(kBearer) ? access_tokens_.find(token.substr(kBearer.size()))
                                                : access_tokens_.end();
  if (found == access_tokens_.end()) {
    return oauth_error("invalid_token", 401);
  }
  const User& user = users_.find(found->second)->second;
  Members members = user.claims;
  for (const auto& [name, value] : user.userinfo_claims) {
    members[name] = value;
  }
  members["sub"] = quoted(user.subject);
  return answer_json(json_object(std::move(members), userinfo));
}

FakeHttpClient::Answer FakeProvider::answer_introspection(
    const http::ClientRequest& request) const {
  if (!knows_client(request)) {
    return oauth_error("invalid_client", 401);
  }
  const auto found = access_tokens_.find(value_of(parse_query(request.body), "token"));
  if (found == access_tokens_.end()) {
    return answer_json(R"({"active":false})");
  }
  return answer_json(json_object({{"active", "true"},
                                  {"sub", quoted(found->second)},
                                  {"client_id", quoted(options_.client_id)}},
                                 introspection));
}

FakeHttpClient::Answer FakeProvider::answer_revocation(const http::ClientRequest& request) {
  if (!knows_client(request)) {
    return oauth_error("invalid_client", 401);
  }
  revoked_.push_back(value_of(parse_query(request.body), "token"));
  return answer_text(200, "text/plain", "");
}

bool FakeProvider::knows_client(const http::ClientRequest& request) const {
  const std::string pair =
      codec::form_encode(options_.client_id) + ":" + codec::form_encode(options_.client_secret);
  const std::string basic = "Basic " + codec::encode_base64(as_bytes(pair), codec::Base64::Std);
  const codec::Query form = parse_query(request.body);
  const bool by_basic = request.headers.value("authorization") == basic;
  const bool by_post = value_of(form, "client_id") == options_.client_id &&
                       value_of(form, "client_secret") == options_.client_secret;
  return by_basic != by_post;
}

}  // namespace vallum::testing
