#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "async/timer_wheel.h"
#include "async/waiter.h"
#include "base/entropy.h"
#include "base/time.h"
#include "base/unique_function.h"

namespace vallum::async {

class Reactor;

struct CoreCounters {
  std::uint64_t turns = 0;
  std::uint64_t resumptions = 0;
  // Stretches of up to eight resumptions, or single messages, that kept the loop for over
  // Core::kSlowAfter.
  std::uint64_t slow_stretches = 0;
  Duration slowest{0};
};

// One thread's event loop: reactor, timers, ready coroutines and a mailbox. Everything else in the
// process belongs to a core and is touched on it alone; other threads post() to it. The thread that
// constructs it is its home until run() is called; then it is the thread of run().
//
//   Core core({.reactor = *reactor, .clock = clock, .entropy = entropy});
//   scope.spawn(serve());   // or core.post(...)
//   core.run();             // until stop()
class Core {
 public:
  static constexpr Duration kSlowAfter = std::chrono::milliseconds(10);

  // The parts outlive the core. `index` numbers the cores of a process from 0.
  struct Parts {
    Reactor& reactor;
    const Clock& clock;
    Entropy& entropy;
    unsigned index = 0;
    // Seeds the order in which ready coroutines run: simulation only. nullptr runs them in order.
    Entropy* schedule = nullptr;
  };
  explicit Core(const Parts& parts);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  // Messages not yet run are destroyed unrun. Waiting coroutines must be gone.
  ~Core();

  // Runs turns until stop(), which may come first. May be run again.
  void run();
  // Any thread.
  void stop();
  // One turn: waits until there is something to do, and does it. For run() and for tests.
  void turn();
  // Runs what can run without waiting; returns whether anything ran. For simulations.
  bool run_ready();
  // When the next timer is due, perhaps a little early.
  std::optional<Instant> next_timer();

  // Runs `message` on this core, in order of posting per thread. Any thread. The mailbox has no
  // limit of its own: a sender is bounded by what it sends for.
  void post(UniqueFunction<void()> message);

  // True on the thread this core runs on, and while nothing runs, on the thread that made it.
  bool on_home_core() const;
  // The core whose turn runs on this thread, or nullptr.
  static Core* current();

  // The instant at which this stretch of work began: cheap, never goes back.
  Instant now() const { return now_; }
  // A deadline counted from now().
  Deadline deadline_in(Duration duration) const { return Deadline(now_ + duration); }
  const Clock& clock() const { return clock_; }
  Entropy& entropy() const { return entropy_; }
  Reactor& reactor() const { return reactor_; }
  unsigned index() const { return index_; }
  // Home core only.
  const CoreCounters& counters() const { return counters_; }

  // For awaiters. Home core only.
  void make_ready(Waiter& waiter);
  void arm(Timer& timer, Instant at) { timers_.arm(timer, at); }

 private:
  struct Mailbox;

  bool run_messages();
  bool run_waiters();
  Waiter& take_waiter();
  void stretch_ended();

  Reactor& reactor_;
  const Clock& clock_;
  Entropy& entropy_;
  Entropy* schedule_;
  unsigned index_;
  std::atomic<const void*> home_;
  std::atomic<bool> stop_{false};
  Instant now_;
  CoreCounters counters_;
  TimerWheel timers_;
  List<Waiter> ready_;
  std::unique_ptr<Mailbox> mailbox_;
};

}  // namespace vallum::async
