#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "async/remote_call.h"

namespace vallum::async {

// Threads for calls that block: storage, files, key derivation. Bounded twice: by threads and by
// the calls that may wait for one.
//
//   CO_TRY(auto text, co_await pool.run(core, [path] { return read_file(path); }, deadline));
//
// Any core may use it. With no threads (simulation) a call runs on the calling core's next turn.
class BlockingPool {
 public:
  struct Limits {
    std::string name;  // of the threads, for debuggers: at most 12 bytes
    unsigned threads = 4;
    std::size_t queued_max = 1024;
  };
  explicit BlockingPool(Limits limits);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Waits for the calls that run and forgets those that wait. Cores that still use it must live.
  ~BlockingPool();

  // Runs `function` on a thread of the pool and returns its value on `core`, the calling one.
  // Returns ResourceExhausted when too many calls wait already, and DeadlineExceeded when the
  // deadline comes first: a call that has begun then ends unobserved, one that has not never
  // begins. The function holds values only. What it returns, T or Result<T>, arrives as Result<T>.
  template <class F>
  auto run(Core& core, F function, Deadline deadline) {
    return wait_for(this, &core, std::move(function), deadline);
  }

  // Calls waiting for a thread. Any thread.
  std::size_t queued() const;

 private:
  struct Shared;
  template <class T>
  struct Flat {
    using Type = T;
  };
  template <class T>
  struct Flat<Result<T>> {
    using Type = T;
  };

  bool submit(detail::CallRef<detail::RemoteCallState> call);

  template <class F>
  static Async<typename Flat<std::invoke_result_t<F&>>::Type> wait_for(BlockingPool* pool,
                                                                       Core* core,
                                                                       F function,
                                                                       Deadline deadline) {
    const detail::CallRef<detail::RemoteCall<F>> call(
        new detail::RemoteCall<F>(*core, std::move(function)));
    const detail::AbandonOnExit abandon(call.get());
    if (!pool->submit(call)) {
      co_return fail(ErrorKind::ResourceExhausted, "too many blocking calls are waiting");
    }
    const bool done = co_await call->done().wait(deadline);
    if (!done) {
      co_return fail(ErrorKind::DeadlineExceeded, "a blocking call took too long");
    }
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      co_return {};
    } else {
      co_return call->take();
    }
  }

  std::unique_ptr<Shared> shared_;
};

}  // namespace vallum::async
