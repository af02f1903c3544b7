#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "base/strings.h"
#include "refresh/renewal.h"
#include "refresh/schedule.h"
#include "session/records.h"

namespace vallum::refresh {

// One stretch of holding the lease: follows the session records and does what is due.
class Renewal::Term {
 public:
  // The lease is held until then at least, by the clock of this process.
  // The lease was asked for at that moment.
  Term(Renewal& renewal, const databroker::Lease& lease, Moment asked);
  Term(const Term&) = delete;
  Term& operator=(const Term&) = delete;
  ~Term();

  // Until the lease is lost or `stop` is cancelled, and what was begun has ended.
  Task<void> run(async::CancelToken stop);

  bool is_lost() const { return is_lost_; }
  std::size_t sessions() const { return schedule_.size(); }
  std::size_t overdue() const { return schedule_.overdue(moment()); }

 private:
  // A session's record, as it was read.
  struct Read {
    databroker::Record record;
    session::SessionRecord session;
  };
  // What a write came to.
  enum class Kept : std::uint8_t {
    Yes,
    Gone,     // the session ended meanwhile
    Changed,  // somebody else gave it other tokens
    Lost,     // the lease is not ours any more
    Failed,   // the store does not work
  };
  struct Known {
    std::uint64_t version = 0;
    std::uint64_t round = 0;
  };

  Moment moment() const;
  bool may_begin();

  // Following records.
  void note(const databroker::FeedEvent& event);
  void note(const databroker::Record& record);
  void forget(std::string_view id);
  Task<void> read_all();
  Async<void> read_round();
  Task<void> keep_lease();
  void lose();
  void report();

  // Jobs.
  void begin_due();
  Task<void> work(Job job);
  Task<JobResult> end_expired(std::string id);
  Task<JobResult> refresh(std::string id);
  Task<JobResult> settle(Read read, identity::RefreshOutcome outcome);
  Task<JobResult> take_tokens(Read read, identity::RefreshOutcome outcome);
  Task<JobResult> ask_user(std::string id);
  Task<void> learn_user(Read read);

  // Records.
  Async<Read> read(std::string id);
  Task<Kept> keep(Read* read, const identity::RefreshOutcome* outcome);
  Async<void> write_tokens(Read* read, const identity::RefreshOutcome* outcome, bool is_fenced);
  Async<Kept> look_again(Read* read, const identity::RefreshOutcome* outcome);
  Task<Kept> end(Read read, EndReason reason, std::string detail);
  Async<void> write_user(Read read, identity::UserDetails details, Deadline deadline);
  void forsake(identity::OAuthTokens tokens);
  Task<void> revoke(identity::OAuthTokens tokens);

  void raise_alarm(const std::string& reason);
  void clear_alarm();
  Deadline store_deadline() const;

  Renewal& renewal_;
  const Parts& parts_;
  Tally& tally_;
  const databroker::Fence fence_;
  // On both clocks of this process: the store may judge by its civil clock, which may jump. Never
  // by what the store calls the end: its clock may be another machine's.
  Moment held_until_;
  // The last renewal failed: what a provider gives now might not be kept.
  bool is_store_failing_ = false;
  bool is_lost_ = false;
  bool is_stopping_ = false;
  Schedule schedule_;
  std::unordered_map<std::string, Known, StringHash, std::equal_to<>> known_;
  std::uint64_t round_ = 0;
  // When a user was last asked about.
  std::unordered_map<std::string, Instant, StringHash, std::equal_to<>> asked_;
  Instant report_at_{};
  async::Event resync_;
  async::Event wake_;
  // Jobs are let end; the rest is not.
  async::Scope jobs_;
  async::Scope helpers_;
  std::unique_ptr<databroker::Subscription> subscription_;
};

}  // namespace vallum::refresh
