#include "async/doorbell.h"

#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace vallum::async {

Result<std::unique_ptr<Doorbell>> Doorbell::open(Core& core) {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.is_open()) {
    return fail(ErrorKind::ResourceExhausted, "no file descriptor left for a doorbell");
  }
  std::unique_ptr<Doorbell> bell(new Doorbell(core, std::move(event)));
  TRY_OK(bell->handle_.watch());
  return bell;
}

void Doorbell::ring() {
  // Orders the work published before against the look at armed_: either this sees it armed, or the
  // look after arm() sees the work.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (armed_.load(std::memory_order_relaxed) && armed_.exchange(false, std::memory_order_acq_rel)) {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the sleeper is awake already.
    const ssize_t written = ::write(handle_.fd(), &one, sizeof one);
    static_cast<void>(written);
  }
}

void Doorbell::arm() {
  armed_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::disarm() {
  armed_.store(false, std::memory_order_relaxed);
  std::uint64_t count = 0;
  const ssize_t size = ::read(handle_.fd(), &count, sizeof count);
  static_cast<void>(size);  // Nothing to read: nobody rang.
  handle_.readable().clear();
}

}  // namespace vallum::async
