#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "crypto/jose/signing_key.h"
#include "identity/provider.h"
#include "support/fake_http_client.h"

namespace vallum::testing {

// An OpenID provider that keeps to the protocol until told otherwise, served through a
// FakeHttpClient (whose delays and faults are its own: web.origin(issuer)).
//
//   FakeProvider idp(web, fake.clock);
//   idp.add_user({.subject = "u1", .claims = {{"email", "\"u1@corp.example\""}}});
//   auto provider = identity::Provider::create(parts, idp.registration(callback));
//   ... authorization_url ...
//   auto answer = idp.sign_in(url, "u1");        // what the browser brings back
class FakeProvider {
 public:
  // Members of a JSON object: name to JSON text. As an override, "" removes the member.
  using Members = std::map<std::string, std::string>;

  struct Options {
    std::string issuer = "https://idp.example";
    std::string client_id = "vallum";
    std::string client_secret = "provider secret+/:";
  };
  struct User {
    std::string subject;
    Members claims = {};           // in the ID token and in userinfo
    Members userinfo_claims = {};  // in userinfo alone
  };
  // The query of the redirect URI.
  struct Redirect {
    std::string code;
    std::string state;
    std::optional<std::string> issuer;
  };

  FakeProvider(FakeHttpClient& web, const Clock& clock) : FakeProvider(web, clock, Options()) {}
  FakeProvider(FakeHttpClient& web, const Clock& clock, Options options);
  FakeProvider(const FakeProvider&) = delete;
  FakeProvider& operator=(const FakeProvider&) = delete;

  identity::ProviderSettings registration(std::string redirect_uri) const;

  void add_user(User user);
  // Requires a URL that asks as OpenID Connect Core 3.1.2.1 and RFC 7636 want it, and a known user.
  Redirect sign_in(std::string_view authorization_url, std::string_view subject);

  // Tokens as a program gets them, without a browser. Requires a known user.
  std::string issue_id_token(std::string_view subject) const;
  std::string issue_access_token(std::string_view subject);
  void revoke_access_token(std::string_view token) { access_tokens_.erase(std::string(token)); }

  // A new key signs; the old one is no longer published.
  void rotate_key();
  const crypto::SigningKey& key() const { return keys_.active(); }

  // Calls of a path ("/token"), answered or not.
  int calls(std::string_view path) const;
  const std::vector<std::string>& revoked() const { return revoked_; }

  // Overrides, for everything that follows.
  Members metadata;
  Members id_token;
  Members token_answer;
  Members userinfo;
  // What introspection says of a token, when `metadata` names its endpoint, /introspect.
  Members introspection;
  // Fixed answers of a path instead of its own.
  std::map<std::string, FakeHttpClient::Answer, std::less<>> answers;
  // Signs ID tokens instead of its key.
  std::function<std::string(std::string_view payload)> signer;
  // Each refresh token works once and is answered with the next; using one twice ends the sign-in
  // (RFC 9700 4.14.2).
  bool rotates = true;
  // Refreshes are answered with an ID token.
  bool renews_id_tokens = true;
  Duration access_token_lifetime = std::chrono::hours(1);
  // Refresh tokens that were sent although they were used up.
  int consumed_tokens_seen() const { return consumed_tokens_seen_; }
  int refreshes() const { return refreshes_; }
  // Refuses the refresh tokens that it gave for this user from now on.
  void forget(std::string_view subject);

  // How far its clock is ahead.
  Duration clock_ahead{0};

 private:
  struct Grant {
    std::string subject;
    std::string redirect_uri;
    std::string nonce;
    std::string challenge;
    bool used = false;
  };

  // Refresh tokens that came of one sign-in.
  struct Family {
    std::string subject;
    std::string name;
    unsigned generation = 1;
    bool is_revoked = false;
  };

  FakeHttpClient::Answer answer(const http::ClientRequest& request);
  FakeHttpClient::Answer answer_path(std::string_view path, const http::ClientRequest& request);
  FakeHttpClient::Answer answer_token(const http::ClientRequest& request);
  FakeHttpClient::Answer answer_refresh(std::string_view token);
  FakeHttpClient::Answer answer_userinfo(const http::ClientRequest& request) const;
  FakeHttpClient::Answer answer_introspection(const http::ClientRequest& request) const;
  FakeHttpClient::Answer answer_revocation(const http::ClientRequest& request);
  std::string metadata_json() const;
  std::string id_token_for(const Grant& grant, std::string_view access_token) const;
  bool knows_client(const http::ClientRequest& request) const;

  const Clock& clock_;
  Options options_;
  unsigned key_number_ = 1;
  crypto::SigningKeys keys_;
  std::map<std::string, User, std::less<>> users_;
  std::map<std::string, Grant, std::less<>> grants_;
  std::map<std::string, std::string, std::less<>> access_tokens_;  // to subject
  std::map<std::string, int, std::less<>> calls_;
  std::vector<std::string> revoked_;
  std::map<std::string, Family, std::less<>> families_;  // by the name of their first token
  int consumed_tokens_seen_ = 0;
  int refreshes_ = 0;
};

}  // namespace vallum::testing
