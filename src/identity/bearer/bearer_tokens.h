#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "http/client.h"
#include "identity/bearer/token_issuer.h"
#include "identity/provider.h"
#include "session/bearer.h"
#include "session/lru_table.h"
#include "telemetry/log.h"

namespace vallum::identity {

// What the configuration says about tokens of others.
struct BearerSettings {
  std::vector<config::TokenIssuer> issuers;
  // Of a session made of a token, at most.
  Duration session_lifetime = std::chrono::hours(14);
  // The claim of the identity provider that holds a user's groups; "": none.
  std::string groups_claim;
};

// Makes sessions of bearer tokens (identity specification 2.5): verifies a token where no session
// of it is stored, and stores one. Never stores or logs a token. Home core only.
//
// Whoever is on the network may send tokens, so what they cost is bounded: one verification for all
// who ask about one token, kVerificationsMax at once, and what was refused is refused again without
// a look for kRefusedFor.
class BearerTokens {
 public:
  static constexpr std::size_t kVerificationsMax = 64;
  static constexpr std::size_t kRefusedMax = 10'000;
  static constexpr Duration kRefusedFor = std::chrono::seconds(30);
  static constexpr Duration kTimeout = std::chrono::seconds(10);
  // After this an access token is shown to the provider again, which may have revoked it.
  static constexpr Duration kAccessTokenGoodFor = std::chrono::minutes(5);

  // All outlive this; `http` and `log` belong to `home`. `provider` is null when there is none.
  struct Parts {
    async::Core& home;
    http::HttpClient& http;
    telemetry::Log& log;
    databroker::Databroker& broker;
    Provider* provider = nullptr;
  };
  BearerTokens(const Parts& parts, BearerSettings settings);
  BearerTokens(const BearerTokens&) = delete;
  BearerTokens& operator=(const BearerTokens&) = delete;
  ~BearerTokens();

  // From the next token on. Keys of issuers that stay as they are stay known.
  void use(BearerSettings settings);

  // See session::VerifyBearer. Callers may give up; a verification goes on for the others.
  Async<session::BearerSession> session_of(session::BearerQuestion question, Deadline deadline);

  // Since the start.
  std::uint64_t verifications() const { return verifications_; }

 private:
  struct Flight;
  class FlightHold;
  struct Stored;
  struct Refusal {
    Instant until;
    std::string why;
  };

  Result<std::unique_ptr<Flight>> prepare(session::BearerQuestion question);
  Result<std::uint64_t> ensure_flight(std::unique_ptr<Flight> flight);
  static Task<void> fly(BearerTokens* self, std::uint64_t number);
  Async<session::BearerSession> settle(Flight* flight, Deadline deadline);
  Async<Stored> find_stored(const Flight* flight, Deadline deadline);
  Async<TokenHolder> verify(const Flight* flight, Deadline deadline);
  Async<session::BearerSession> store(const Flight* flight,
                                      const TokenHolder* holder,
                                      std::uint64_t version,
                                      Deadline deadline);
  Async<std::optional<databroker::Write>> user_write(const TokenHolder* holder, Deadline deadline);
  Async<std::optional<databroker::Write>> directory_write(const Flight* flight,
                                                          const TokenHolder* holder,
                                                          Deadline deadline);
  session::SessionRecord record_of(const Flight& flight, const TokenHolder& holder) const;
  std::string own_idp_id() const;

  Parts parts_;
  BearerSettings settings_;
  std::vector<std::unique_ptr<TokenIssuer>> issuers_;
  // Replaced ones that a verification may still use.
  std::vector<std::unique_ptr<TokenIssuer>> retired_;
  std::map<std::uint64_t, std::unique_ptr<Flight>> flights_;
  std::map<std::string, std::uint64_t, std::less<>> open_flights_;
  session::LruTable<Refusal> refused_;
  std::uint64_t last_flight_ = 0;
  std::uint64_t verifications_ = 0;
  async::Scope scope_;
};

}  // namespace vallum::identity
