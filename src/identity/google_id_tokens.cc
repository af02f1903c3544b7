#include "identity/google_id_tokens.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "codec/percent.h"

namespace vallum::identity {

namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr std::string_view kMetadata =
    "http://metadata/computeMetadata/v1/instance/service-accounts/default/identity?format=full"
    "&audience=";
constexpr std::string_view kGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

bool is_token_text(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

const std::string* text_member(const codec::Node& root, std::string_view name) {
  const codec::Node* const member = root.find(name);
  return member != nullptr && member->is_string() && !member->text().empty() ? &member->text()
                                                                             : nullptr;
}

}  // namespace

GoogleIdTokens::GoogleIdTokens(const Parts& parts, std::optional<ServiceAccount> account)
    : parts_(parts), account_(std::move(account)) {}

GoogleIdTokens::~GoogleIdTokens() = default;

Result<std::unique_ptr<GoogleIdTokens>> GoogleIdTokens::create(const Parts& parts,
                                                               const Secret& service_account) {
  std::optional<ServiceAccount> account;
  if (!service_account.empty()) {
    TRY(account, read_account(service_account));
  }
  return std::unique_ptr<GoogleIdTokens>(new GoogleIdTokens(parts, std::move(account)));
}

Result<GoogleIdTokens::ServiceAccount> GoogleIdTokens::read_account(const Secret& text) {
  std::string json(trim_space(text.expose_text()));
  if (!json.starts_with('{')) {
    const auto decoded = codec::decode_base64(json, codec::Base64::Std);
    json = decoded ? std::string(as_text(*decoded)) : std::string();
  }
  const auto root = codec::parse_json(json, {}, codec::DuplicateKeys::Refuse);
  wipe(ByteSpan(reinterpret_cast<std::byte*>(json.data()), json.size()));
  if (!root || !root->is_map()) {
    return fail(ErrorKind::InvalidInput,
                "is neither the JSON of a service account nor base64 of it");
  }
  const std::string* const email = text_member(*root, "client_email");
  const std::string* const key = text_member(*root, "private_key");
  const std::string* const url = text_member(*root, "token_uri");
  if (email == nullptr || key == nullptr) {
    return fail(ErrorKind::InvalidInput, "client_email or private_key is missing");
  }
  TRY(crypto::SigningKey signing_key, crypto::SigningKey::parse_pem(*key));
  TRY(http::Uri token_url,
      http::Uri::parse(url == nullptr ? "https://oauth2.googleapis.com/token" : *url));
  if (!token_url.is_https() || signing_key.algorithm() != crypto::JwsAlgorithm::Rs256) {
    return fail(ErrorKind::InvalidInput, "needs an https token_uri and an RSA key");
  }
  return ServiceAccount{
      .email = *email, .token_url = std::move(token_url), .key = std::move(signing_key)};
}

Async<std::string> GoogleIdTokens::token(std::string audience, Deadline deadline) {
  auto found = tokens_.find(audience);
  if (found == tokens_.end()) {
    if (tokens_.size() >= kAudiencesMax) {
      co_return fail(ErrorKind::ResourceExhausted, "too many applications want a token");
    }
    auto document = std::make_unique<Document>(
        parts_.home,
        parts_.log,
        Document::Options{.name = "google id token", .fresh_for = kFresh},
        [this, audience](Deadline until) { return fetch(this, audience, until); });
    found = tokens_.emplace(std::move(audience), std::move(document)).first;
  }
  CO_TRY(const async::Snapshot<Token> token, co_await found->second->get(deadline));
  if (parts_.home.now() >= token->good_until) {
    co_return fail(ErrorKind::Unavailable, "the token has ended and could not be renewed");
  }
  co_return token->text;
}

http::ClientRequest GoogleIdTokens::request_to_metadata(std::string_view audience) const {
  http::ClientRequest request{
      .url = *http::Uri::parse(std::string(kMetadata) + codec::percent_encode(audience))};
  request.headers.add("Metadata-Flavor", "Google");
  return request;
}

http::ClientRequest GoogleIdTokens::request_as_account(std::string_view audience) const {
  const std::int64_t now = unix_seconds(parts_.home.clock().wall());
  std::string claims;
  codec::JsonWriter json(claims);
  json.begin_object()
      .member("iss", account_->email)
      .member("sub", account_->email)
      .member("aud", account_->token_url.text())
      .member("target_audience", audience)
      .member("iat", now)
      .member("exp", now + 3600)
      .end_object();
  codec::Query form;
  form.add("assertion", account_->key.sign(claims));
  form.add("grant_type", kGrant);
  http::ClientRequest request{.url = account_->token_url,
                              .method = http::Method::Post,
                              .headers = {},
                              .body = form.encode()};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  return request;
}

// `self` outlives its documents, and each of them its fetch.
Async<GoogleIdTokens::Token> GoogleIdTokens::fetch(GoogleIdTokens* self,
                                                   std::string audience,
                                                   Deadline deadline) {
  http::ClientRequest request =
      self->account_ ? self->request_as_account(audience) : self->request_to_metadata(audience);
  request.body_bytes_max = kAnswerBytesMax;
  CO_TRY(http::ClientResponse response,
         co_await self->parts_.http.fetch(std::move(request), deadline));
  if (!response.is_success()) {
    co_return fail(ErrorKind::Unavailable,
                   "the answer has status " + std::to_string(response.status));
  }
  std::string text = std::move(response.body);
  if (self->account_) {
    const auto root = codec::parse_json(text, {}, codec::DuplicateKeys::Refuse);
    const std::string* const member = root ? text_member(*root, "id_token") : nullptr;
    text = member == nullptr ? std::string() : *member;
  }
  if (!is_token_text(text)) {
    co_return fail(ErrorKind::Unavailable, "the answer holds no token");
  }
  co_return Token{.text = std::move(text), .good_until = self->parts_.home.now() + kGood};
}

}  // namespace vallum::identity
