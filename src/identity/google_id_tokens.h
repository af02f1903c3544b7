#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/core.h"
#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/jose/signing_key.h"
#include "http/client.h"
#include "http/syntax/uri.h"
#include "identity/cached_document.h"
#include "telemetry/log.h"

namespace vallum::identity {

// Tokens by which a Google service knows that it is us who asks (policy specification 5.6): one per
// audience, made by Google for a service account's key or by the metadata server of the machine.
// Home core only; destroyed when nobody waits.
class GoogleIdTokens {
 public:
  // Of configured applications; more than these is a mistake.
  static constexpr std::size_t kAudiencesMax = 1000;
  // A token lives an hour. One that could not be renewed is given out until shortly before its end.
  static constexpr Duration kFresh = std::chrono::minutes(45);
  static constexpr Duration kGood = std::chrono::minutes(55);

  // All outlive this; `http` and `log` belong to `home`.
  struct Parts {
    async::Core& home;
    http::HttpClient& http;
    telemetry::Log& log;
  };
  // `service_account` is its key file, JSON or base64 of it; empty: the metadata server is asked.
  // InvalidInput when it is neither. Asks nobody.
  static Result<std::unique_ptr<GoogleIdTokens>> create(const Parts& parts,
                                                        const Secret& service_account);
  ~GoogleIdTokens();

  // What follows "Bearer ". Fails when nobody gives one.
  Async<std::string> token(std::string audience, Deadline deadline);

 private:
  struct ServiceAccount {
    std::string email;
    http::Uri token_url;
    crypto::SigningKey key;
  };
  struct Token {
    std::string text;
    Instant good_until;
  };
  using Document = CachedDocument<Token>;

  GoogleIdTokens(const Parts& parts, std::optional<ServiceAccount> account);
  static Result<ServiceAccount> read_account(const Secret& text);
  static Async<Token> fetch(GoogleIdTokens* self, std::string audience, Deadline deadline);
  http::ClientRequest request_to_metadata(std::string_view audience) const;
  http::ClientRequest request_as_account(std::string_view audience) const;

  Parts parts_;
  std::optional<ServiceAccount> account_;
  std::map<std::string, std::unique_ptr<Document>, std::less<>> tokens_;
};

}  // namespace vallum::identity
