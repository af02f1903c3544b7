#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/snapshot.h"
#include "async/task.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "identity/limits.h"
#include "telemetry/log.h"

namespace vallum::identity {

// A document of a provider: fetched when first asked for, one fetch for all who ask, kept while the
// provider is down and fetched again in the background, after a failure with growing, jittered
// pauses. Home core only.
template <class T>
class CachedDocument {
 public:
  using Load = UniqueFunction<Async<T>(Deadline)>;

  struct Options {
    const char* name;  // static storage; for the log
    Duration fresh_for;
  };

  // `core` and `log` outlive it.
  CachedDocument(async::Core& core, telemetry::Log& log, Options options, Load load)
      : core_(core),
        log_(log),
        options_(options),
        load_(std::move(load)),
        attempted_(core),
        hurry_(core),
        scope_(core) {}

  // The document, perhaps an old one. Without one, waits for a fetch; soon after a failed fetch
  // returns its error at once.
  Async<async::Snapshot<T>> get(Deadline deadline) {
    if (value_ == nullptr || core_.now() >= stale_at_) {
      ensure_running();
    }
    if (value_ == nullptr && (loading_ || has_passed(attempted_at_, Limits::kRetryMin))) {
      co_await attempt(deadline);
    }
    co_return current();
  }

  // A document other than `known`, for a reader that `known` did not help. Asks the provider at
  // most once per kKeysAskedAgainAfter; else returns what there is.
  Async<async::Snapshot<T>> newer_than(async::Snapshot<T> known, Deadline deadline) {
    if (value_ == known && has_passed(asked_again_at_, Limits::kKeysAskedAgainAfter)) {
      asked_again_at_ = core_.now();
      ensure_running();
      co_await attempt(deadline);
    } else if (value_ == known && loading_) {
      co_await attempt(deadline);
    }
    co_return current();
  }

  // Why the last fetch failed, until one succeeds.
  const std::optional<Error>& error() const { return error_; }
  std::uint64_t fetches() const { return fetches_; }

 private:
  bool has_passed(const std::optional<Instant>& since, Duration pause) const {
    return !since || core_.now() >= *since + pause;
  }

  Result<async::Snapshot<T>> current() const {
    if (value_ != nullptr) {
      return value_;
    }
    if (error_) {
      return fail(*error_);
    }
    return fail(ErrorKind::DeadlineExceeded, std::string(options_.name) + ": no answer in time");
  }

  void ensure_running() {
    if (!running_) {
      running_ = true;
      attempted_.reset();
      scope_.spawn(run(this));
    }
  }

  // Ends the pause between two fetches, and waits for the fetch that is then under way.
  Task<void> attempt(Deadline deadline) {
    if (!loading_) {
      attempted_.reset();
      hurry_.set();
    }
    co_await attempted_.wait(deadline);
  }

  static Task<void> run(CachedDocument* self) {
    for (Duration pause = Limits::kRetryMin;;
         pause = std::min<Duration>(pause * 2, Limits::kRetryMax)) {
      self->loading_ = true;
      self->attempted_.reset();
      ++self->fetches_;
      auto loaded = co_await self->load_(self->core_.deadline_in(Limits::kDocumentTimeout));
      self->loading_ = false;
      const bool good = loaded.has_value();
      self->take(std::move(loaded));
      if (good) {
        break;
      }
      self->hurry_.reset();
      co_await self->hurry_.wait(self->core_.deadline_in(self->jittered(pause)));
    }
    self->hurry_.reset();
    self->running_ = false;
  }

  void take(Result<T> loaded) {
    attempted_at_ = core_.now();
    if (loaded) {
      if (error_) {
        log_.info("provider: document is available again", {{"document", options_.name}});
      }
      error_.reset();
      value_ = async::make_snapshot<T>(*std::move(loaded));
      stale_at_ = core_.now() + options_.fresh_for;
    } else {
      if (!error_) {
        log_.warn("provider: document cannot be fetched",
                  {{"document", options_.name}, {"reason", loaded.error().message()}});
      }
      error_ = std::move(loaded).error();
    }
    attempted_.set();
  }

  // Half to all of it, so that many processes do not come back at once.
  Duration jittered(Duration pause) {
    const auto half = static_cast<std::uint64_t>(pause.count() / 2);
    return Duration(static_cast<Duration::rep>(half + core_.entropy().next_u64() % (half + 1)));
  }

  async::Core& core_;
  telemetry::Log& log_;
  Options options_;
  Load load_;
  async::Snapshot<T> value_;
  Instant stale_at_{};
  std::optional<Error> error_;
  std::optional<Instant> attempted_at_;
  std::optional<Instant> asked_again_at_;
  std::uint64_t fetches_ = 0;
  bool running_ = false;
  bool loading_ = false;
  async::Event attempted_;
  async::Event hurry_;
  async::Scope scope_;
};

}  // namespace vallum::identity
