#include "refresh/schedule.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "refresh/limits.h"

namespace vallum::refresh {
namespace {

// Further ahead than this is never, and no sum overflows.
constexpr Duration kFarAhead = std::chrono::hours(24 * 366);

Instant instant_of(WallTime time, Moment now) {
  if (time <= now.wall) {
    return now.instant;
  }
  return time - now.wall >= kFarAhead || time == WallTime::max() ? Instant::max()
                                                                 : now.instant + (time - now.wall);
}

Duration offset_of(Moment now) {
  return now.wall.time_since_epoch() - now.instant.time_since_epoch();
}

}  // namespace

void Schedule::track(std::string_view id, const SessionTimes& times, Moment now) {
  follow_clock(now);
  auto found = entries_.find(id);
  const bool is_new = found == entries_.end();
  if (is_new) {
    found = entries_.emplace(std::string(id), Entry()).first;
    found->second.id = found->first;
    found->second.not_before = now.instant;
    ++ends_.sessions;
  }
  Entry& entry = found->second;
  entry.is_forgotten = false;
  if (!is_new && entry.times == times) {
    return;
  }
  dequeue(entry);
  const bool has_other_tokens = is_new || entry.times.tokens_expire_at != times.tokens_expire_at;
  if (is_new || entry.times.provider != times.provider) {
    if (entry.lane != nullptr) {
      --entry.lane->sessions;
    }
    entry.lane = times.provider.empty() ? nullptr : &ensure_lane(times.provider, now);
    if (entry.lane != nullptr) {
      ++entry.lane->sessions;
    }
    entry.user_info_at = now.instant + Limits::kUserInfoEvery - up_to(Limits::kUserInfoEvery / 10);
  }
  entry.times = times;
  if (has_other_tokens) {
    set_refresh_time(entry, now);
  }
  enqueue(entry, now);
}

// The shorter a token still lives, the closer to its end it is exchanged, so that a short one is
// not exchanged at once.
void Schedule::set_refresh_time(Entry& entry, Moment now) {
  if (!entry.times.tokens_expire_at) {
    entry.refresh_at = WallTime::max();
    return;
  }
  const WallTime expires_at = *entry.times.tokens_expire_at;
  const Duration left = expires_at > now.wall ? expires_at - now.wall : Duration::zero();
  const Duration margin = std::min(Limits::kGrace, left / 2);
  entry.refresh_at = expires_at - margin + up_to(margin / 10);
}

Instant Schedule::refresh_due(const Entry& entry, Moment now) {
  const Instant at = instant_of(entry.refresh_at, now);
  return at == Instant::max() ? at : std::max(at, entry.not_before);
}

void Schedule::enqueue(Entry& entry, Moment now) {
  if (entry.is_busy) {
    return;
  }
  const Instant end = instant_of(entry.times.ends_at, now);
  if (end != Instant::max()) {
    entry.end_due = std::max(end, entry.end_not_before);
    ends_.waiting.emplace(*entry.end_due, &entry);
  }
  if (entry.lane == nullptr) {
    return;
  }
  Instant due = refresh_due(entry, now);
  if (entry.times.asks_user_info) {
    due = std::min(due, entry.user_info_at);
  }
  if (due != Instant::max()) {
    entry.lane_due = due;
    entry.lane->waiting.emplace(due, &entry);
  }
}

void Schedule::dequeue(Entry& entry) {
  if (entry.end_due) {
    ends_.waiting.erase({*entry.end_due, &entry});
    entry.end_due.reset();
  }
  if (entry.lane_due) {
    entry.lane->waiting.erase({*entry.lane_due, &entry});
    entry.lane_due.reset();
  }
}

void Schedule::erase(Entry& entry) {
  dequeue(entry);
  --ends_.sessions;
  if (entry.lane != nullptr) {
    --entry.lane->sessions;
  }
  entries_.erase(entries_.find(entry.id));
}

void Schedule::forget(std::string_view id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    return;
  }
  Entry& entry = found->second;
  if (entry.is_busy) {
    entry.is_forgotten = true;
  } else {
    erase(entry);
  }
}

std::optional<Job> Schedule::take(Moment now) {
  follow_clock(now);
  if (may_begin(ends_, now.instant)) {
    return begin(ends_, Job::Kind::End, now);
  }
  for (auto& [name, lane] : lanes_) {
    if (may_begin(lane, now.instant)) {
      const Entry& entry = *lane.waiting.begin()->second;
      // What became due by both is an exchange, which asks who the user is, too.
      const bool only_asks = entry.times.asks_user_info && entry.user_info_at <= now.instant &&
                             refresh_due(entry, now) > now.instant;
      return begin(lane, only_asks ? Job::Kind::UserInfo : Job::Kind::Refresh, now);
    }
  }
  return std::nullopt;
}

Job Schedule::begin(Lane& lane, Job::Kind kind, Moment now) {
  Entry& entry = *lane.waiting.begin()->second;
  dequeue(entry);
  entry.is_busy = true;
  ++lane.under_way;
  ++under_way_;
  lane.paced_until = std::max(lane.paced_until, now.instant - Limits::kBurst) + interval(lane);
  return {.session_id = std::string(entry.id),
          .kind = kind,
          .provider = entry.times.provider,
          .begun_at = now.instant};
}

void Schedule::finished(const Job& job, const JobResult& result, Moment now) {
  follow_clock(now);
  Lane& lane = job.kind == Job::Kind::End ? ends_ : ensure_lane(job.provider, now);
  --lane.under_way;
  --under_way_;
  const auto found = entries_.find(job.session_id);
  CHECK(found != entries_.end());
  Entry& entry = found->second;
  entry.is_busy = false;
  if (result.kind == JobResult::Kind::Refused || result.kind == JobResult::Kind::Failed) {
    count_failure(lane, job, result, now);
  } else if (result.kind == JobResult::Kind::Done) {
    lane.failures = 0;
    lane.paused_until = now.instant;
  }
  if (entry.is_forgotten) {
    erase(entry);
    return;
  }
  if (job.kind == Job::Kind::End) {
    entry.end_not_before = now.instant + Limits::kPauseMin;
  } else {
    entry.user_info_at = now.instant + Limits::kUserInfoEvery - up_to(Limits::kUserInfoEvery / 10);
  }
  if (job.kind == Job::Kind::Refresh) {
    const bool brought_nothing = entry.times.tokens_expire_at &&
                                 *entry.times.tokens_expire_at < now.wall + Limits::kUsefulLife;
    entry.failures =
        result.kind != JobResult::Kind::Done || brought_nothing ? entry.failures + 1 : 0;
    entry.not_before = now.instant + back_off(std::max(entry.failures, 1U));
    if (result.retry_after) {
      entry.not_before =
          std::max(entry.not_before,
                   now.instant + std::min<Duration>(*result.retry_after, Limits::kPauseMax));
    }
  }
  enqueue(entry, now);
}

// A provider that fails for one session may be fine for the next; one that fails for several in a
// row, or asks for a pause, is left alone for a while and then tried by one of them.
void Schedule::count_failure(Lane& lane, const Job& job, const JobResult& result, Moment now) {
  if (job.begun_at < lane.failing_since) {
    return;
  }
  lane.failures = result.kind == JobResult::Kind::Refused
                      ? std::max(lane.failures + 1, Limits::kFailuresBeforePause)
                      : lane.failures + 1;
  Duration pause{0};
  if (lane.failures >= Limits::kFailuresBeforePause) {
    pause = back_off(lane.failures + 1 - Limits::kFailuresBeforePause);
    lane.failing_since = now.instant;
  }
  if (result.retry_after) {
    pause = std::max(pause, std::min<Duration>(*result.retry_after, Limits::kPauseMax));
  }
  lane.paused_until = std::max(lane.paused_until, now.instant + pause);
}

Instant Schedule::next(Moment now) {
  follow_clock(now);
  Instant at = next_begin(ends_);
  for (const auto& [name, lane] : lanes_) {
    at = std::min(at, next_begin(lane));
  }
  return at;
}

std::size_t Schedule::overdue(Moment now) const {
  std::size_t count = 0;
  for (const auto& [name, lane] : lanes_) {
    for (const auto& [due, entry] : lane.waiting) {
      if (due > now.instant) {
        break;
      }
      count += entry->refresh_at <= now.wall ? 1U : 0U;
    }
  }
  return count;
}

bool Schedule::is_paused(std::string_view provider) const {
  const auto lane = lanes_.find(provider);
  return lane != lanes_.end() && lane->second.failures >= Limits::kFailuresBeforePause;
}

// Civil time decides when a token expires, monotonic time how long anything waits. When the first
// jumps, the one is worked out from the other anew.
void Schedule::follow_clock(Moment now) {
  const Duration offset = offset_of(now);
  if (clock_offset_ && std::chrono::abs(offset - *clock_offset_) <= Limits::kClockJump) {
    return;
  }
  const bool is_first = !clock_offset_;
  clock_offset_ = offset;
  if (is_first) {
    return;
  }
  for (auto& [id, entry] : entries_) {
    dequeue(entry);
    enqueue(entry, now);
  }
}

Schedule::Lane& Schedule::ensure_lane(const std::string& provider, Moment now) {
  const auto [found, is_new] = lanes_.try_emplace(provider);
  if (is_new) {
    found->second.paced_until = now.instant;
  }
  return found->second;
}

bool Schedule::may_begin(const Lane& lane, Instant now) {
  return next_begin(lane) <= now;
}

Instant Schedule::next_begin(const Lane& lane) {
  const std::size_t calls_max =
      lane.failures >= Limits::kFailuresBeforePause ? 1 : Limits::kCallsMax;
  if (lane.waiting.empty() || lane.under_way >= calls_max) {
    return Instant::max();
  }
  return std::max({lane.waiting.begin()->first, lane.paced_until, lane.paused_until});
}

Duration Schedule::interval(const Lane& lane) {
  const auto rounds = std::max<Duration::rep>(static_cast<Duration::rep>(lane.sessions), 1);
  return std::min<Duration>(Duration(std::chrono::seconds(1)) / Limits::kStartsPerSecond,
                            Limits::kRoundMin / rounds);
}

// Doubles from the shortest to the longest pause; up to a quarter of it is jitter.
Duration Schedule::back_off(unsigned failures) {
  Duration pause = Limits::kPauseMin;
  for (unsigned i = 1; i < failures && pause < Limits::kPauseMax; ++i) {
    pause *= 2;
  }
  pause = std::min(pause, Limits::kPauseMax);
  return std::max(pause - up_to(pause / 4), Limits::kPauseMin);
}

// From zero to the bound.
Duration Schedule::up_to(Duration bound) {
  const auto range = static_cast<std::uint64_t>(bound.count()) + 1;
  return Duration(static_cast<Duration::rep>(entropy_.next_u64() % range));
}

}  // namespace vallum::refresh
