#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/entropy.h"
#include "base/strings.h"
#include "base/time.h"

namespace vallum::refresh {

// The same moment on both clocks.
struct Moment {
  Instant instant;
  WallTime wall;
};

// What a session's record says about when something is to be done.
struct SessionTimes {
  // Whose tokens it has; "" for none that can be asked: it is waited for its end alone.
  std::string provider;
  // WallTime::max() for never.
  WallTime ends_at = WallTime::max();
  // Of an access token that can be exchanged for another one.
  std::optional<WallTime> tokens_expire_at;
  // It has an access token to ask with who its user is.
  bool asks_user_info = false;

  bool operator==(const SessionTimes&) const = default;
};

// Something to be done now.
struct Job {
  enum class Kind : std::uint8_t {
    End,       // its time is over: delete the record
    Refresh,   // exchange its tokens, then ask who the user is
    UserInfo,  // ask who the user is
  };
  std::string session_id;
  Kind kind = Kind::End;
  std::string provider;
  Instant begun_at{};
};

// What a job came to.
struct JobResult {
  enum class Kind : std::uint8_t {
    Done,      // also when there was nothing to do
    Refused,   // the provider refuses every session: our registration is wrong
    Failed,    // the provider may do it later
    Hindered,  // we could not ask: nothing was learnt of the provider
  };
  Kind kind = Kind::Done;
  // How long the provider asks us to wait.
  std::optional<Duration> retry_after;
};

// When to do what for which session. Knows no I/O and no clock: it is told both times.
//
//   schedule.track(id, times, now);              // for every session, and when its record changes
//   while (auto job = schedule.take(now)) { ... }
//   schedule.finished(job, result, now);         // each job, once
//   ... again at schedule.next(now), or when something changed
//
// A session has one job at a time. Whatever the provider answers, a session's jobs of one kind are
// at least Limits::kPauseMin apart, and the pauses grow to Limits::kPauseMax while they bring
// nothing. All sessions together begin jobs at a bounded pace, after a restart too, and a provider
// that fails again and again is tried by one of them at a time. Times of the civil clock may jump.
class Schedule {
 public:
  // Outlives the schedule.
  explicit Schedule(Entropy& entropy) : entropy_(entropy) {}
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // A session that is new, or whose record changed.
  void track(std::string_view id, const SessionTimes& times, Moment now);
  // The session is gone. A job under way still has to be finished.
  void forget(std::string_view id);

  // The job that is due and may begin; its session gets no other one until it is finished.
  std::optional<Job> take(Moment now);
  void finished(const Job& job, const JobResult& result, Moment now);

  // When take() may have something, if nothing changes until then; Instant::max() for never.
  Instant next(Moment now);

  std::size_t size() const { return entries_.size(); }
  std::size_t under_way() const { return under_way_; }
  // Sessions whose tokens should have been exchanged by now.
  std::size_t overdue(Moment now) const;
  // Since when the provider only fails, and until when it is left alone.
  bool is_paused(std::string_view provider) const;

 private:
  struct Entry;
  using Queue = std::set<std::pair<Instant, Entry*>>;
  // The sessions of one provider, or the ends of all.
  struct Lane {
    Queue waiting;
    std::size_t sessions = 0;
    std::size_t under_way = 0;
    // Where an even pace would be by now; see Limits::kBurst.
    Instant paced_until{};
    unsigned failures = 0;  // in a row
    Instant paused_until{};
    // Jobs begun before do not count as failures once more.
    Instant failing_since{};
  };
  using Lanes = std::map<std::string, Lane, std::less<>>;
  struct Entry {
    std::string_view id;  // of the map's key
    SessionTimes times;
    Lane* lane = nullptr;  // of times.provider, null for none
    WallTime refresh_at = WallTime::max();
    Instant not_before{};
    Instant end_not_before{};
    unsigned failures = 0;  // in a row, and exchanges that brought nothing that lasts
    Instant user_info_at{};
    bool is_busy = false;
    bool is_forgotten = false;  // erased when its job is finished
    // Its places in the queues; nothing while it is not queued.
    std::optional<Instant> end_due;
    std::optional<Instant> lane_due;
  };

  void follow_clock(Moment now);
  void set_refresh_time(Entry& entry, Moment now);
  static Instant refresh_due(const Entry& entry, Moment now);
  void enqueue(Entry& entry, Moment now);
  void dequeue(Entry& entry);
  void erase(Entry& entry);
  Lane& ensure_lane(const std::string& provider, Moment now);
  static bool may_begin(const Lane& lane, Instant now);
  static Instant next_begin(const Lane& lane);
  static Duration interval(const Lane& lane);
  Job begin(Lane& lane, Job::Kind kind, Moment now);
  void count_failure(Lane& lane, const Job& job, const JobResult& result, Moment now);
  Duration back_off(unsigned failures);
  Duration up_to(Duration bound);

  Entropy& entropy_;
  std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries_;
  Lane ends_;
  Lanes lanes_;
  std::size_t under_way_ = 0;
  // Civil minus monotonic time, as of the last look.
  std::optional<Duration> clock_offset_;
};

}  // namespace vallum::refresh
