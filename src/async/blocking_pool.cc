#include "async/blocking_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <pthread.h>

namespace vallum::async {

struct BlockingPool::Shared {
  explicit Shared(Limits given) : limits(std::move(given)) {}

  void work();

  const Limits limits;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<detail::CallRef<detail::RemoteCallState>> waiting;  // guarded by mutex
  bool stopping = false;                                         // guarded by mutex
  std::vector<std::thread> threads;
};

void BlockingPool::Shared::work() {
  ::pthread_setname_np(::pthread_self(), limits.name.substr(0, 15).c_str());
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return stopping || !waiting.empty(); });
    if (stopping) {
      return;
    }
    detail::CallRef<detail::RemoteCallState> call = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    if (!call->is_abandoned()) {
      detail::execute_and_return(std::move(call));
    }
    lock.lock();
  }
}

BlockingPool::BlockingPool(Limits limits) : shared_(std::make_unique<Shared>(std::move(limits))) {
  for (unsigned i = 0; i < shared_->limits.threads; ++i) {
    shared_->threads.emplace_back([shared = shared_.get()] { shared->work(); });
  }
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
  for (std::thread& thread : shared_->threads) {
    thread.join();
  }
}

bool BlockingPool::submit(detail::CallRef<detail::RemoteCallState> call) {
  if (shared_->limits.threads == 0) {
    Core& home = call->home();
    home.post([call = std::move(call)] {
      if (!call->is_abandoned()) {
        call->execute();
        call->done().set();
      }
    });
    return true;
  }
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= shared_->limits.queued_max) {
      // Those whose callers gave up hold no place.
      std::erase_if(shared_->waiting,
                    [](const auto& call_waiting) { return call_waiting->is_abandoned(); });
      if (shared_->waiting.size() >= shared_->limits.queued_max) {
        return false;
      }
    }
    shared_->waiting.push_back(std::move(call));
  }
  shared_->changed.notify_one();
  return true;
}

std::size_t BlockingPool::queued() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->waiting.size();
}

}  // namespace vallum::async
