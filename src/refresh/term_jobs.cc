#include <algorithm>
#include <utility>

#include "async/sleep.h"
#include "codec/json_writer.h"
#include "codec/node.h"
#include "identity/stored_user.h"
#include "refresh/kept_session.h"
#include "refresh/limits.h"
#include "refresh/term.h"

// What is done for one session: exchanging its tokens, asking who its user is, ending it.

namespace vallum::refresh {
namespace {

constexpr JobResult kDone{.kind = JobResult::Kind::Done, .retry_after = {}};
constexpr JobResult kHindered{.kind = JobResult::Kind::Hindered, .retry_after = {}};

bool has_tokens_of(const session::SessionRecord& session, const identity::RefreshOutcome& outcome) {
  if (!session.oauth_token) {
    return false;
  }
  const Secret& rotated = outcome.tokens.refresh_token;
  return rotated.empty()
             ? session.oauth_token->access_token.equals(outcome.tokens.access_token.expose())
             : session.oauth_token->refresh_token.equals(rotated.expose());
}

// The end of the identity provider's session is told by this claim, which it need not repeat.
void keep_provider_session(const session::SessionRecord& session, identity::Claims& claims) {
  constexpr std::string_view kName = "sid";
  const codec::Node* kept = session::find_claim(session.claims, kName);
  if (kept != nullptr && !claims.contains(kName)) {
    claims.emplace(kName, std::vector<codec::Node>(kept->items().begin(), kept->items().end()));
  }
}

std::string text_of(const session::ClaimSet& claims) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  for (const session::NamedClaim& claim : claims) {
    json.any_key(claim.name);
    codec::write_node(json, claim.values);
  }
  json.end_object();
  return text;
}

// Whether two session or two user records say the same. Encoded they may differ all the same: maps
// have no order.
bool is_same_session(const databroker::Value& left, const session::SessionRecord& right) {
  const auto decoded = session::decode_session(left);
  return decoded && text_of(decoded->claims) == text_of(right.claims);
}
bool is_same_user(const databroker::Value& left, const databroker::Value& right) {
  const auto a = session::decode_user(left);
  const auto b = session::decode_user(right);
  return a && b && a->name == b->name && a->email == b->email &&
         text_of(a->claims) == text_of(b->claims);
}

}  // namespace

Task<void> Renewal::Term::work(Job job) {
  JobResult result;
  const bool was_paused = schedule_.is_paused(job.provider);
  switch (job.kind) {
    case Job::Kind::End:
      result = co_await end_expired(job.session_id);
      break;
    case Job::Kind::Refresh:
      result = co_await refresh(job.session_id);
      break;
    case Job::Kind::UserInfo:
      result = co_await ask_user(job.session_id);
      break;
  }
  schedule_.finished(job, result, moment());
  const bool is_paused = schedule_.is_paused(job.provider);
  if (is_paused && !was_paused) {
    parts_.log.warn("the identity provider does not refresh sessions; they live on in the grace",
                    {{"provider", job.provider}});
  } else if (was_paused && !is_paused) {
    parts_.log.info("the identity provider refreshes sessions again", {{"provider", job.provider}});
  }
  wake_.set();
}

Task<JobResult> Renewal::Term::end_expired(std::string id) {
  auto found = co_await read(id);
  if (!found) {
    co_return found.error().kind() == ErrorKind::NotFound ? kDone : kHindered;
  }
  note(found->record);
  if (times_of(found->session, {}).ends_at > moment().wall) {
    co_return kDone;
  }
  const Kept kept = co_await end(*std::move(found), EndReason::Expired, "its time is over");
  co_return kept == Kept::Failed || kept == Kept::Lost ? kHindered : kDone;
}

Task<JobResult> Renewal::Term::refresh(std::string id) {
  auto found = co_await read(id);
  if (!found) {
    co_return found.error().kind() == ErrorKind::NotFound ? kDone : kHindered;
  }
  note(found->record);
  const SessionTimes times = times_of(found->session, parts_.provider->id());
  const WallTime now = moment().wall;
  if (times.provider.empty() || !times.tokens_expire_at || times.ends_at <= now ||
      *times.tokens_expire_at > now + Limits::kGrace) {
    co_return kDone;
  }
  // Reading may have taken long.
  if (!may_begin()) {
    co_return kHindered;
  }
  identity::RefreshAttempt attempt{
      .refresh_token = found->session.oauth_token->refresh_token.clone(),
      .subject = found->session.id_token ? found->session.id_token->subject : std::string()};
  auto outcome = co_await parts_.provider->refresh(
      std::move(attempt), parts_.core.deadline_in(Limits::kRefreshTimeout));
  if (!outcome) {
    co_return kHindered;
  }
  co_return co_await settle(*std::move(found), *std::move(outcome));
}

Task<JobResult> Renewal::Term::settle(Read read, identity::RefreshOutcome outcome) {
  using Kind = identity::RefreshOutcome::Kind;
  switch (outcome.kind) {
    case Kind::Refreshed:
      co_return co_await take_tokens(std::move(read), std::move(outcome));
    case Kind::Misconfigured:
      tally_.exchanged(Exchange::Misconfigured);
      raise_alarm(outcome.reason);
      co_return JobResult{.kind = JobResult::Kind::Refused, .retry_after = outcome.retry_after};
    case Kind::Temporary:
      tally_.exchanged(Exchange::Temporary);
      parts_.log.debug("a session could not be refreshed",
                       {{"session-id", read.record.id}, {"reason", outcome.reason}});
      co_return JobResult{.kind = JobResult::Kind::Failed, .retry_after = outcome.retry_after};
    case Kind::Ended:
    case Kind::AnotherUser:
      break;
  }
  tally_.exchanged(Exchange::Ended);
  clear_alarm();
  const EndReason reason =
      outcome.kind == Kind::AnotherUser ? EndReason::AnotherUser : EndReason::ProviderRefused;
  const Kept kept = co_await end(std::move(read), reason, std::move(outcome.reason));
  co_return kept == Kept::Failed || kept == Kept::Lost ? kHindered : kDone;
}

// The provider has forgotten the old refresh token by now, so the new one is written before
// anything else happens, whatever else is wrong.
Task<JobResult> Renewal::Term::take_tokens(Read read, identity::RefreshOutcome outcome) {
  clear_alarm();
  const bool is_proven = outcome.id_token_fault.empty();
  tally_.exchanged(is_proven ? Exchange::Refreshed : Exchange::Unproven);
  if (!is_proven) {
    parts_.log.warn("a refreshed id token is not usable",
                    {{"session-id", read.record.id}, {"reason", outcome.id_token_fault}});
  }
  const Kept kept = co_await keep(&read, &outcome);
  switch (kept) {
    case Kept::Yes:
      break;
    case Kept::Gone:
      // Whoever signed out is not to leave tokens behind that came a moment later.
      forget(read.record.id);
      forsake(std::move(outcome.tokens));
      co_return kDone;
    case Kept::Changed:
      co_return kDone;
    case Kept::Lost:
    case Kept::Failed:
      parts_.log.error("the new tokens of a session could not be kept",
                       {{"session-id", read.record.id}});
      co_return kHindered;
  }
  note(read.record);
  if (!is_proven) {
    co_return JobResult{.kind = JobResult::Kind::Failed, .retry_after = {}};
  }
  if (!is_lost_) {
    co_await learn_user(std::move(read));
  }
  co_return kDone;
}

Task<JobResult> Renewal::Term::ask_user(std::string id) {
  auto found = co_await read(id);
  if (!found) {
    co_return found.error().kind() == ErrorKind::NotFound ? kDone : kHindered;
  }
  note(found->record);
  const SessionTimes times = times_of(found->session, parts_.provider->id());
  const Moment now = moment();
  const std::optional<session::OauthToken>& tokens = found->session.oauth_token;
  const bool is_stale = tokens && tokens->expires_at && *tokens->expires_at <= now.wall;
  const auto asked = asked_.find(found->session.user_id);
  // Another session of the same user may just have asked.
  const bool is_known =
      asked != asked_.end() && now.instant < asked->second + Limits::kUserInfoEvery * 8 / 10;
  if (times.asks_user_info && !is_stale && !is_known && times.ends_at > now.wall) {
    co_await learn_user(*std::move(found));
  }
  co_return kDone;
}

// A provider that does not answer this costs nothing: what is known stays.
Task<void> Renewal::Term::learn_user(Read read) {
  const Instant now = parts_.core.now();
  std::erase_if(asked_, [&](const auto& item) {
    return asked_.size() > known_.size() && item.second + Limits::kUserInfoEvery < now;
  });
  asked_.insert_or_assign(read.session.user_id, now);
  const std::optional<session::IdToken>& id_token = read.session.id_token;
  identity::UserQuestion question{.access_token = read.session.oauth_token->access_token.clone(),
                                  .id_token = id_token ? id_token->raw.clone() : Secret(),
                                  .subject = id_token ? id_token->subject : read.session.user_id};
  const Deadline deadline = parts_.core.deadline_in(Limits::kUserInfoTimeout);
  auto details = co_await parts_.provider->load_user(std::move(question), deadline);
  if (!details && details.error().kind() == ErrorKind::NotFound) {
    co_return;
  }
  tally_.user_info(details.has_value());
  if (!details && details.error().kind() == ErrorKind::Unauthenticated) {
    co_await end(std::move(read), EndReason::AnotherUser, std::string(details.error().message()));
    co_return;
  }
  Result<void> done = details ? co_await write_user(std::move(read), *std::move(details), deadline)
                              : Result<void>(fail(details.error()));
  if (!done) {
    parts_.log.debug("what a provider says of a user was not learnt",
                     {{"reason", done.error().message()}});
  }
}

// The session's claims and the user's record, where they changed.
Async<void> Renewal::Term::write_user(Read read, identity::UserDetails details, Deadline deadline) {
  keep_provider_session(read.session, details.claims);
  const std::string user_id = read.session.user_id;
  for (int attempt = 1;; ++attempt) {
    std::vector<databroker::RecordKey> keys{read.record.key(), session::user_key(user_id)};
    CO_TRY(const databroker::Fetched fetched,
           co_await parts_.broker.get_many(std::move(keys), deadline));
    const std::optional<databroker::Record>& kept = fetched.records[0];
    const std::optional<databroker::Record>& user = fetched.records[1];
    if (!kept) {
      co_return {};
    }
    databroker::Batch batch;
    CO_TRY(const session::SessionRecord session, session::decode_session(kept->value));
    CO_TRY(databroker::Value new_session, with_claims(kept->value, details.claims));
    if (!is_same_session(new_session, session)) {
      batch.push_back(
          databroker::Write::put(kept->key(), std::move(new_session)).if_version(kept->version));
    }
    CO_TRY(databroker::Value new_user,
           with_details(user ? &user->value : nullptr, user_id, details));
    if (!user || !is_same_user(new_user, user->value)) {
      batch.push_back(databroker::Write::put(session::user_key(user_id), std::move(new_user))
                          .if_version(user ? user->version : 0));
    }
    auto claimed = identity::claimed_groups(renewal_.settings_.groups_claim,
                                            user_id,
                                            details.name,
                                            details.claims,
                                            parts_.core.clock().wall());
    if (claimed) {
      CO_TRY(auto groups,
             co_await identity::directory_write(&parts_.broker, *std::move(claimed), deadline));
      if (groups) {
        batch.push_back(*std::move(groups));
      }
    }
    if (batch.empty()) {
      co_return {};
    }
    for (databroker::Write& write : batch) {
      write.fence = fence_;
    }
    const auto done = co_await parts_.broker.put(std::move(batch), deadline);
    if (done) {
      co_return {};
    }
    if (done.error().kind() != ErrorKind::Conflict || attempt == Limits::kWriteTries || is_lost_) {
      co_return fail(done.error());
    }
  }
}

Async<Renewal::Term::Read> Renewal::Term::read(std::string id) {
  auto record = co_await parts_.broker.get(session::session_key(id), store_deadline());
  if (!record) {
    if (record.error().kind() == ErrorKind::NotFound) {
      forget(id);
    }
    co_return fail(record.error());
  }
  CO_TRY(auto session, session::decode_session(record->value));
  co_return Read{.record = *std::move(record), .session = std::move(session)};
}

// Writes the new tokens, conditional on the record still having the old ones. Takes its time when
// the store fails: nobody else has these tokens, and nobody else exchanges this session's.
Task<Renewal::Term::Kept> Renewal::Term::keep(Read* read, const identity::RefreshOutcome* outcome) {
  if (!outcome->id_token_fault.empty() && outcome->tokens.refresh_token.empty()) {
    co_return Kept::Yes;
  }
  bool is_fenced = true;
  const Instant give_up_at = parts_.core.now() + Limits::kHoldTokens;
  while (parts_.core.now() < give_up_at) {
    const auto done = co_await write_tokens(read, outcome, is_fenced);
    if (done) {
      co_return Kept::Yes;
    }
    if (done.error().kind() == ErrorKind::InvalidInput) {
      co_return Kept::Failed;
    }
    const std::uint64_t version = read->record.version;
    const Result<Kept> found = co_await look_again(read, outcome);
    if (found && *found != Kept::Failed) {
      co_return *found;
    }
    if (found && read->record.version == version && done.error().kind() == ErrorKind::Conflict) {
      // Not the record but the lease. Its next holder would send the refresh token that is used up
      // and end the session; these tokens replace what was read and nothing else, so they may be
      // written without it.
      lose();
      if (is_fenced) {
        tally_.tokens_rescued();
      }
      is_fenced = false;
    }
    if (!found || done.error().kind() != ErrorKind::Conflict) {
      co_await async::sleep_for(parts_.core, Limits::kStorePause);
    }
  }
  co_return Kept::Failed;
}

// Once. InvalidInput: it cannot be written, now or later.
Async<void> Renewal::Term::write_tokens(Read* read,
                                        const identity::RefreshOutcome* outcome,
                                        bool is_fenced) {
  auto value = outcome->id_token_fault.empty()
                   ? with_tokens(read->record.value, read->session, *outcome)
                   : with_refresh_token(read->record.value, outcome->tokens.refresh_token);
  if (!value) {
    co_return fail(ErrorKind::InvalidInput, "the session's new tokens cannot be written");
  }
  databroker::Batch batch;
  batch.push_back(
      databroker::Write::put(read->record.key(), *value).if_version(read->record.version));
  if (is_fenced) {
    batch.back().fence = fence_;
  }
  CO_TRY(const auto done, co_await parts_.broker.put(std::move(batch), store_deadline()));
  read->record.value = *std::move(value);
  read->record.version = done.versions.front();
  if (auto session = session::decode_session(read->record.value)) {
    read->session = *std::move(session);
  }
  co_return {};
}

// Reads the record again after a write of tokens that did not happen, or nobody knows. Failed: it
// still has the old tokens, so write again.
Async<Renewal::Term::Kept> Renewal::Term::look_again(Read* read,
                                                     const identity::RefreshOutcome* outcome) {
  auto found = co_await this->read(read->record.id);
  if (!found) {
    if (found.error().kind() == ErrorKind::NotFound) {
      co_return Kept::Gone;
    }
    co_return fail(found.error());
  }
  const bool has_new = has_tokens_of(found->session, *outcome);
  const bool has_old =
      found->session.oauth_token && found->session.oauth_token->refresh_token.equals(
                                        read->session.oauth_token->refresh_token.expose());
  if (!has_new && !has_old) {
    co_return Kept::Changed;
  }
  *read = *std::move(found);
  co_return has_new ? Kept::Yes : Kept::Failed;
}

// Deletes the record as it was read; again when it changed in something that is no reason to live.
Task<Renewal::Term::Kept> Renewal::Term::end(Read read, EndReason reason, std::string detail) {
  for (int attempt = 0; attempt < Limits::kWriteTries; ++attempt) {
    databroker::Batch batch;
    batch.push_back(databroker::Write::remove(read.record.key())
                        .if_version(read.record.version)
                        .fenced_by(fence_));
    const auto done = co_await parts_.broker.put(std::move(batch), store_deadline());
    if (done) {
      tally_.ended(reason);
      parts_.log.info("session ended",
                      {{"session-id", read.record.id},
                       {"user-id", read.session.user_id},
                       {"reason", to_string(reason)},
                       {"detail", detail}});
      forget(read.record.id);
      co_return Kept::Yes;
    }
    if (done.error().kind() != ErrorKind::Conflict) {
      co_return Kept::Failed;
    }
    auto found = co_await this->read(read.record.id);
    if (!found) {
      co_return found.error().kind() == ErrorKind::NotFound ? Kept::Gone : Kept::Failed;
    }
    if (found->record.version == read.record.version) {
      lose();
      co_return Kept::Lost;
    }
    const bool has_other_tokens =
        found->session.oauth_token.has_value() != read.session.oauth_token.has_value() ||
        (found->session.oauth_token && !found->session.oauth_token->refresh_token.equals(
                                           read.session.oauth_token->refresh_token.expose()));
    const bool lives_on = reason == EndReason::Expired
                              ? times_of(found->session, {}).ends_at > moment().wall
                              : has_other_tokens;
    if (lives_on) {
      co_return Kept::Changed;
    }
    read = *std::move(found);
  }
  co_return Kept::Failed;
}

void Renewal::Term::forsake(identity::OAuthTokens tokens) {
  helpers_.spawn(revoke(std::move(tokens)));
}

Task<void> Renewal::Term::revoke(identity::OAuthTokens tokens) {
  const Deadline deadline = parts_.core.deadline_in(Limits::kRefreshTimeout);
  const Result<void> done = co_await parts_.provider->revoke(std::move(tokens), deadline);
  if (!done && done.error().kind() != ErrorKind::NotFound) {
    parts_.log.warn("the provider did not revoke a token", {{"error", done.error().message()}});
  }
}

void Renewal::Term::raise_alarm(const std::string& reason) {
  if (!renewal_.alarm_) {
    parts_.log.error(
        "the identity provider refuses our registration; sessions live on in the grace",
        {{"reason", reason}});
  }
  renewal_.alarm_ = reason;
  tally_.set_refused_us(true);
}

void Renewal::Term::clear_alarm() {
  if (renewal_.alarm_) {
    renewal_.alarm_.reset();
    parts_.log.info("the identity provider accepts our registration again");
    tally_.set_refused_us(false);
  }
}

}  // namespace vallum::refresh
