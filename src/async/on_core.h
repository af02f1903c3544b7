#pragma once

#include <utility>

#include "async/remote_call.h"

namespace vallum::async {

namespace detail {

template <class F>
Task<std::invoke_result_t<F&>> call_on(Core* home, Core* target, F function) {
  const CallRef<RemoteCall<F>> call(new RemoteCall<F>(*home, std::move(function)));
  const AbandonOnExit abandon(call.get());
  target->post([message = CallRef<RemoteCallState>(call)] {
    if (!message->is_abandoned()) {
      execute_and_return(message);
    }
  });
  co_await call->done().wait();
  co_return call->take();
}

}  // namespace detail

// co_await on(core, function): runs the function on that core and returns its value on the calling
// one. Function and value are moved between the threads: they hold values, never references to what
// a core owns. When the awaiting coroutine is destroyed the function may still run, unobserved, and
// its value is dropped on either thread. A core that has stopped never answers. Both cores outlive
// the call.
template <class F>
Task<std::invoke_result_t<F&>> on(Core& target, F function) {
  DCHECK(Core::current() != nullptr);
  return detail::call_on(Core::current(), &target, std::move(function));
}

}  // namespace vallum::async
