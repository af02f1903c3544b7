#include "async/core.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "async/frame_pool.h"
#include "async/reactor.h"
#include "base/check.h"

namespace vallum::async {
namespace {

constinit thread_local Core* current_core = nullptr;
constinit thread_local char thread_marker = 0;

const void* this_thread() {
  return &thread_marker;
}

// Sets Core::current() for a block; nested, because a simulation runs many cores on one thread.
class CurrentCore {
 public:
  explicit CurrentCore(Core& core) : previous_(std::exchange(current_core, &core)) {}
  CurrentCore(const CurrentCore&) = delete;
  CurrentCore& operator=(const CurrentCore&) = delete;
  ~CurrentCore() { current_core = previous_; }

 private:
  Core* previous_;
};

// Ready coroutines that run before the outside world is looked at again.
constexpr int kResumptionsPerTurn = 512;
// Ready coroutines per look at the clock.
constexpr int kResumptionsPerStretch = 8;

}  // namespace

struct Core::Mailbox {
  std::mutex mutex;
  std::vector<UniqueFunction<void()>> messages;  // guarded by mutex
  bool waiting = false;  // guarded by mutex: the core is, or is about to be, in Reactor::wait()
  std::vector<UniqueFunction<void()>> running;  // home core only; kept for its capacity
};

Core::Core(const Parts& parts)
    : reactor_(parts.reactor),
      clock_(parts.clock),
      entropy_(parts.entropy),
      schedule_(parts.schedule),
      index_(parts.index),
      home_(this_thread()),
      now_(parts.clock.now()),
      timers_(now_),
      mailbox_(std::make_unique<Mailbox>()) {}

Core::~Core() {
  const CurrentCore current(*this);
  const std::vector<UniqueFunction<void()>> dropped = std::move(mailbox_->messages);
}

Core* Core::current() {
  return current_core;
}

bool Core::on_home_core() const {
  if (current_core != nullptr) {
    return current_core == this;
  }
  return home_.load(std::memory_order_relaxed) == this_thread();
}

void Core::run() {
  home_.store(this_thread(), std::memory_order_relaxed);
  while (!stop_.load(std::memory_order_acquire)) {
    turn();
  }
  stop_.store(false, std::memory_order_relaxed);
  release_free_frames();
}

void Core::stop() {
  stop_.store(true, std::memory_order_release);
  reactor_.wake();
}

void Core::turn() {
  const CurrentCore current(*this);
  ++counters_.turns;
  Duration at_most = Duration::zero();
  if (ready_.empty()) {
    const std::optional<Instant> next = timers_.next();
    at_most = next ? std::max(Duration::zero(), *next - clock_.now()) : Duration::max();
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->waiting = mailbox_->messages.empty();
    if (!mailbox_->waiting) {
      at_most = Duration::zero();
    }
  }
  reactor_.wait(at_most);
  run_ready();
}

bool Core::run_ready() {
  const CurrentCore current(*this);
  now_ = std::max(now_, clock_.now());
  const bool any_timer = timers_.advance(now_) > 0;
  const bool any_message = run_messages();
  const bool any_waiter = run_waiters();
  return any_timer || any_message || any_waiter;
}

std::optional<Instant> Core::next_timer() {
  return timers_.next();
}

void Core::post(UniqueFunction<void()> message) {
  bool wake = false;
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->messages.push_back(std::move(message));
    wake = std::exchange(mailbox_->waiting, false);
  }
  if (wake) {
    reactor_.wake();
  }
}

bool Core::run_messages() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->waiting = false;
    mailbox_->running.swap(mailbox_->messages);
  }
  if (mailbox_->running.empty()) {
    return false;
  }
  for (UniqueFunction<void()>& message : mailbox_->running) {
    message();
    message = {};
    stretch_ended();
  }
  mailbox_->running.clear();
  return true;
}

void Core::make_ready(Waiter& waiter) {
  DCHECK(on_home_core());
  waiter.ListHook<Waiter>::unlink();
  ready_.push_back(waiter);
}

Waiter& Core::take_waiter() {
  Waiter* chosen = &ready_.front();
  if (schedule_ != nullptr) {
    for (std::uint64_t skip = schedule_->next_u64() % 8; skip > 0; --skip) {
      Waiter* next = ready_.next(*chosen);
      chosen = next == nullptr ? &ready_.front() : next;
    }
  }
  chosen->ListHook<Waiter>::unlink();
  return *chosen;
}

bool Core::run_waiters() {
  int count = 0;
  while (!ready_.empty() && count < kResumptionsPerTurn) {
    take_waiter().resume();
    if (++count % kResumptionsPerStretch == 0) {
      stretch_ended();
    }
  }
  if (count % kResumptionsPerStretch != 0) {
    stretch_ended();
  }
  counters_.resumptions += static_cast<std::uint64_t>(count);
  return count > 0;
}

void Core::stretch_ended() {
  const Instant end = std::max(now_, clock_.now());
  const Duration took = end - now_;
  now_ = end;
  counters_.slowest = std::max(counters_.slowest, took);
  if (took > kSlowAfter) {
    ++counters_.slow_stretches;
  }
}

void TimedWait::suspend_until(std::coroutine_handle<> handle, Deadline deadline) {
  suspend_as(handle);
  if (!deadline.is_never()) {
    core_.arm(*this, deadline.at());
  }
}

void TimedWait::wake(Ready outcome) {
  outcome_ = outcome;
  Timer::cancel();
  core_.make_ready(*this);
}

}  // namespace vallum::async
