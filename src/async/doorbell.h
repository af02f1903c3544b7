#pragma once

#include <atomic>
#include <memory>

#include "async/io_handle.h"
#include "base/result.h"

namespace vallum::async {

// Lets any thread wake one coroutine of a core without allocating, and without a system call unless
// that coroutine sleeps:
//
//   for (;;) {
//     if (take_work()) continue;
//     bell.arm();
//     if (!take_work()) co_await bell.rung(deadline);   // the look after arm() closes the race
//     bell.disarm();
//   }
//
// The others publish their work first and ring() then.
class Doorbell {
 public:
  static Result<std::unique_ptr<Doorbell>> open(Core& core);
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Any thread.
  void ring();

  // The rest: home core only.
  void arm();
  void disarm();
  // Ready once somebody rang since arm().
  Readiness::Wait rung(Deadline deadline) { return handle_.readable().wait(deadline); }

 private:
  Doorbell(Core& core, UniqueFd event) : handle_(core, std::move(event)) {}

  IoHandle handle_;
  std::atomic<bool> armed_{false};
};

}  // namespace vallum::async
