#include "identity/bearer/bearer_tokens.h"

#include <algorithm>
#include <utility>

#include "crypto/jose/jws.h"
#include "identity/stored_user.h"

namespace vallum::identity {
namespace {

using config::BearerTokenFormat;
using session::BearerQuestion;
using session::BearerSession;

// Several nodes may write the session of one token at once, and a user signs in meanwhile.
constexpr int kTries = 3;

Unexpected refused(std::string why) {
  return fail(ErrorKind::Unauthenticated, std::move(why));
}

constexpr std::string_view kNotForHere =
    "the token is for another audience, or was issued to another client";

// Tokens of one text are told apart by what is asked of them.
std::string flight_key(const std::string& session_id, const config::BearerRules& rules) {
  std::string key = session_id;
  if (rules.format == BearerTokenFormat::IdpAccessToken) {
    key.append(rules.audiences ? "\naudience" : "\nclient");
    for (const std::string& audience : rules.audiences.value_or(std::vector<std::string>())) {
      key.append("\n").append(audience);
    }
  }
  return key;
}

}  // namespace

// One token on its way to a session.
struct BearerTokens::Flight {
  Flight(async::Core& core, BearerQuestion asked) : question(std::move(asked)), done(core) {}

  BearerQuestion question;
  std::string session_id;
  std::string idp_id;
  std::string key;
  // Of a token of one of identity_providers.
  TokenIssuer* issuer = nullptr;
  async::Event done;
  Result<BearerSession> result = fail(ErrorKind::Internal, "a verification that did not end");
  // Whoever waits, and the verification itself.
  std::size_t holders = 1;
};

// Keeps a flight, which ends with the last holder.
class BearerTokens::FlightHold {
 public:
  enum class Share : std::uint8_t { Another, TheFirst };
  FlightHold(BearerTokens& tokens, std::uint64_t number, Share share)
      : tokens_(tokens), at_(tokens.flights_.find(number)) {
    at_->second->holders += share == Share::Another ? 1U : 0U;
  }
  FlightHold(const FlightHold&) = delete;
  FlightHold& operator=(const FlightHold&) = delete;
  ~FlightHold() {
    if (--at_->second->holders == 0) {
      tokens_.flights_.erase(at_);
    }
  }
  Flight& operator*() const { return *at_->second; }
  Flight* operator->() const { return at_->second.get(); }

 private:
  BearerTokens& tokens_;
  std::map<std::uint64_t, std::unique_ptr<Flight>>::iterator at_;
};

// The session of a token as it is stored.
struct BearerTokens::Stored {
  // There when it can be used as it is.
  std::optional<BearerSession> session;
  // Of whatever is there; 0: nothing.
  std::uint64_t version = 0;
};

BearerTokens::BearerTokens(const Parts& parts, BearerSettings settings)
    : parts_(parts), refused_(kRefusedMax), scope_(parts.home) {
  use(std::move(settings));
}

BearerTokens::~BearerTokens() = default;

void BearerTokens::use(BearerSettings settings) {
  settings_ = std::move(settings);
  std::vector<std::unique_ptr<TokenIssuer>> next;
  for (const config::TokenIssuer& wanted : settings_.issuers) {
    const auto known = std::ranges::find_if(issuers_, [&wanted](const auto& issuer) {
      return issuer != nullptr && issuer->settings().verifies_as(wanted);
    });
    if (known != issuers_.end()) {
      next.push_back(std::move(*known));
    } else {
      next.push_back(std::make_unique<TokenIssuer>(
          TokenIssuer::Parts{.home = parts_.home, .http = parts_.http, .log = parts_.log}, wanted));
    }
  }
  std::erase(issuers_, nullptr);
  std::ranges::move(issuers_, std::back_inserter(retired_));
  issuers_ = std::move(next);
  // What a changed issuer refused it may take now.
  refused_.clear();
  if (open_flights_.empty()) {
    retired_.clear();
  }
}

std::string BearerTokens::own_idp_id() const {
  return parts_.provider == nullptr ? std::string() : parts_.provider->id();
}

Async<BearerSession> BearerTokens::session_of(BearerQuestion question, Deadline deadline) {
  CO_TRY(std::unique_ptr<Flight> prepared, prepare(std::move(question)));
  if (const Refusal* known = refused_.find(prepared->key);
      known != nullptr && parts_.home.now() < known->until) {
    co_return refused(known->why);
  }
  CO_TRY(const std::uint64_t number, ensure_flight(std::move(prepared)));
  const FlightHold flight(*this, number, FlightHold::Share::Another);
  const bool is_done = co_await flight->done.wait(deadline);
  if (!is_done) {
    co_return fail(ErrorKind::DeadlineExceeded, "the token could not be verified in time");
  }
  if (!flight->result) {
    co_return fail(flight->result.error());
  }
  co_return *flight->result;
}

// What can be told without asking anybody: above all, whose token it says to be.
Result<std::unique_ptr<BearerTokens::Flight>> BearerTokens::prepare(BearerQuestion question) {
  auto flight = std::make_unique<Flight>(parts_.home, std::move(question));
  const config::BearerRules& rules = flight->question.rules;
  const std::string_view token = flight->question.token.expose_text();
  std::string provider = own_idp_id();
  if (rules.format == BearerTokenFormat::Jwt) {
    const auto jws = crypto::UnverifiedJws::parse(token);
    const auto issuer = jws ? jws->unverified_issuer() : std::nullopt;
    if (!issuer) {
      return refused("jwt: it is none, or names no issuer");
    }
    const auto found = std::ranges::find_if(issuers_, [&issuer](const auto& candidate) {
      return candidate->settings().issuer == *issuer;
    });
    const bool is_taken =
        found != issuers_.end() &&
        std::ranges::find(rules.issuers,
                          (*found)->settings().id,
                          &config::BearerRules::Issuer::id) != rules.issuers.end();
    if (!is_taken) {
      return refused("jwt: 'iss' is nobody whose tokens are taken here");
    }
    flight->issuer = found->get();
    provider = flight->issuer->settings().name;
    flight->idp_id = flight->issuer->settings().id;
  } else if (parts_.provider == nullptr || rules.format == BearerTokenFormat::Default) {
    return refused("there is no identity provider whose tokens could be taken");
  } else {
    flight->idp_id = provider;
  }
  flight->session_id = session::bearer_session_id(rules.format, provider, token);
  flight->key = flight_key(flight->session_id, rules);
  return flight;
}

Result<std::uint64_t> BearerTokens::ensure_flight(std::unique_ptr<Flight> flight) {
  if (const auto open = open_flights_.find(flight->key); open != open_flights_.end()) {
    return open->second;
  }
  if (open_flights_.size() >= kVerificationsMax) {
    return fail(ErrorKind::ResourceExhausted, "too many tokens are being verified");
  }
  const std::uint64_t number = ++last_flight_;
  open_flights_.emplace(flight->key, number);
  flights_.emplace(number, std::move(flight));
  scope_.spawn(fly(this, number));
  return number;
}

Task<void> BearerTokens::fly(BearerTokens* self, std::uint64_t number) {
  const FlightHold flight(*self, number, FlightHold::Share::TheFirst);
  const Deadline deadline = self->parts_.home.deadline_in(kTimeout);
  flight->result = co_await self->settle(&*flight, deadline);
  self->open_flights_.erase(flight->key);
  if (!flight->result && flight->result.error().kind() == ErrorKind::Unauthenticated) {
    self->refused_.erase(flight->key);
    self->refused_.insert(flight->key,
                          {.until = self->parts_.home.now() + kRefusedFor,
                           .why = std::string(flight->result.error().message())},
                          [](auto&&...) {});
  }
  flight->done.set();
}

Async<BearerSession> BearerTokens::settle(Flight* flight, Deadline deadline) {
  std::optional<TokenHolder> holder;
  for (int attempt = 1;; ++attempt) {
    CO_TRY(const Stored stored, co_await find_stored(flight, deadline));
    if (stored.session) {
      co_return *stored.session;
    }
    if (!holder) {
      CO_TRY(holder, co_await verify(flight, deadline));
    }
    auto written = co_await store(flight, &*holder, stored.version, deadline);
    if (written || written.error().kind() != ErrorKind::Conflict) {
      co_return written;
    }
    if (attempt == kTries) {
      co_return fail(ErrorKind::Unavailable, "the session of the token keeps changing");
    }
  }
}

Async<BearerTokens::Stored> BearerTokens::find_stored(const Flight* flight, Deadline deadline) {
  std::vector<databroker::RecordKey> keys;
  keys.push_back(session::session_key(flight->session_id));
  CO_TRY(const databroker::Fetched fetched,
         co_await parts_.broker.get_many(std::move(keys), deadline));
  const std::optional<databroker::Record>& record = fetched.records.front();
  Stored stored;
  if (!record) {
    co_return stored;
  }
  stored.version = record->version;
  const auto kept = session::decode_session(record->value);
  if (!kept || kept->id != flight->session_id || kept->idp_id != flight->idp_id ||
      parts_.home.clock().wall() >= kept->valid_until()) {
    co_return stored;
  }
  const policy::ClaimTable claims = session::claim_table(kept->claims);
  if (!session::bearer_fits(flight->question.rules, own_idp_id(), kept->idp_id, claims.view())) {
    co_return refused(std::string(kNotForHere));
  }
  stored.session = BearerSession{.session_id = flight->session_id,
                                 .idp_id = flight->idp_id,
                                 .server_version = fetched.state.server_version,
                                 .record_version = record->version};
  co_return stored;
}

Async<TokenHolder> BearerTokens::verify(const Flight* flight, Deadline deadline) {
  ++verifications_;
  const BearerQuestion& question = flight->question;
  Result<TokenHolder> holder = fail(ErrorKind::Internal, "a token of no kind");
  switch (question.rules.format) {
    case BearerTokenFormat::Jwt:
      holder = co_await flight->issuer->verify(&question.token, deadline);
      break;
    case BearerTokenFormat::IdpAccessToken:
      holder = co_await parts_.provider->verify_access_token(question.token.clone(), deadline);
      break;
    case BearerTokenFormat::IdpIdentityToken:
      holder = co_await parts_.provider->verify_identity_token(question.token.clone(), deadline);
      break;
    case BearerTokenFormat::Default:
      break;
  }
  CO_TRY_OK(holder);
  const policy::ClaimTable claims = session::claim_table(claim_set(holder->claims));
  if (!session::bearer_fits(question.rules, own_idp_id(), flight->idp_id, claims.view())) {
    co_return refused(std::string(kNotForHere));
  }
  co_return holder;
}

session::SessionRecord BearerTokens::record_of(const Flight& flight,
                                               const TokenHolder& holder) const {
  const WallTime now = parts_.home.clock().wall();
  const bool is_access_token = flight.question.rules.format == BearerTokenFormat::IdpAccessToken;
  session::SessionRecord record;
  record.id = flight.session_id;
  record.user_id = holder.user_id;
  record.idp_id = flight.idp_id;
  record.issued_at = now;
  record.accessed_at = now;
  record.expires_at = now + settings_.session_lifetime;
  if (is_access_token) {
    record.expires_at = std::min(*record.expires_at, now + kAccessTokenGoodFor);
  }
  if (holder.expires_at) {
    record.expires_at = std::min(*record.expires_at, *holder.expires_at);
  }
  if (!is_access_token) {
    record.id_token = session::IdToken{.issuer = holder.issuer,
                                       .subject = holder.subject,
                                       .issued_at = holder.said_at,
                                       .expires_at = holder.expires_at,
                                       .raw = {}};
  }
  record.claims = claim_set(holder.claims);
  record.refresh_disabled = true;
  return record;
}

// All or nothing. Conflict when another node was faster with any of it.
Async<BearerSession> BearerTokens::store(const Flight* flight,
                                         const TokenHolder* holder,
                                         std::uint64_t version,
                                         Deadline deadline) {
  databroker::Batch batch;
  CO_TRY(databroker::Value session, session::encode_session(record_of(*flight, *holder)));
  batch.push_back(
      databroker::Write::put(session::session_key(flight->session_id), std::move(session))
          .if_version(version));
  CO_TRY(std::optional<databroker::Write> user, co_await user_write(holder, deadline));
  if (user) {
    batch.push_back(*std::move(user));
  }
  CO_TRY(std::optional<databroker::Write> groups,
         co_await directory_write(flight, holder, deadline));
  if (groups) {
    batch.push_back(*std::move(groups));
  }
  CO_TRY(const databroker::Committed done, co_await parts_.broker.put(std::move(batch), deadline));
  co_return BearerSession{.session_id = flight->session_id,
                          .idp_id = flight->idp_id,
                          .server_version = done.server_version,
                          .record_version = std::ranges::max(done.versions)};
}

// Name and address as the newest word has them: an old token must not bring back what a sign-in
// since took away. A token's claims stay with its session: at the user they would speak for other
// tokens of the same subject, which may be for less.
Async<std::optional<databroker::Write>> BearerTokens::user_write(const TokenHolder* holder,
                                                                 Deadline deadline) {
  const databroker::RecordKey key = session::user_key(holder->user_id);
  const Result<databroker::Record> present = co_await parts_.broker.get(key, deadline);
  if (!present && present.error().kind() != ErrorKind::NotFound) {
    co_return fail(present.error());
  }
  session::UserRecord user{.id = holder->user_id, .name = {}, .email = {}, .claims = {}};
  std::uint64_t version = 0;
  if (present) {
    if (present->modified_at > holder->said_at) {
      co_return std::nullopt;
    }
    version = present->version;
    if (auto known = session::decode_user(present->value)) {
      user = *std::move(known);
    }
  }
  user.name = holder->name.empty() ? user.name : holder->name;
  user.email = holder->email.empty() ? user.email : holder->email;
  CO_TRY(databroker::Value value, session::encode_user(user));
  if (present && present->value == value) {
    co_return std::nullopt;
  }
  co_return databroker::Write::put(key, std::move(value)).if_version(version);
}

Async<std::optional<databroker::Write>> BearerTokens::directory_write(const Flight* flight,
                                                                      const TokenHolder* holder,
                                                                      Deadline deadline) {
  const auto found = holder->claims.find(settings_.groups_claim);
  if (flight->question.rules.format == BearerTokenFormat::Jwt || settings_.groups_claim.empty() ||
      found == holder->claims.end()) {
    co_return std::nullopt;
  }
  ClaimedGroups claimed{.user_id = holder->user_id,
                        .display_name = holder->name,
                        .groups = found->second,
                        .said_at = holder->said_at};
  co_return co_await identity::directory_write(&parts_.broker, std::move(claimed), deadline);
}

}  // namespace vallum::identity
