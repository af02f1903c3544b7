#pragma once

#include <memory>

#include "async/reactor.h"
#include "async/unique_fd.h"

namespace vallum::async {

// Edge-triggered epoll: a descriptor is registered once for both directions, and a wait is a flag
// in memory. An eventfd wakes it from other threads.
class EpollReactor final : public Reactor {
 public:
  // Fails when the process has no descriptors left.
  static Result<std::unique_ptr<EpollReactor>> create();

  void wait(Duration at_most) override;
  void wake() override;
  Result<void> add(IoHandle& handle) override;
  void remove(IoHandle& handle) override;
  void report_again(IoHandle& handle) override;

 private:
  EpollReactor(UniqueFd epoll, UniqueFd event)
      : epoll_(std::move(epoll)), event_(std::move(event)) {}

  UniqueFd epoll_;
  UniqueFd event_;
};

}  // namespace vallum::async
