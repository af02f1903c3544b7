#pragma once

#include <utility>

#include "async/remote_call.h"
#include "async/scope.h"

namespace vallum::async {

namespace detail {

// A coroutine on its way to another core and its result on the way back.
template <class F>
class RemoteTask final : public RemoteCallState {
 public:
  using Value = typename std::invoke_result_t<F&>::Value;  // a Result

  RemoteTask(Core& home, Scope& scope, F make)
      : RemoteCallState(home), scope_(scope), make_(std::move(make)) {}

  void execute() override { scope_.spawn(run(Report(CallRef<RemoteTask>(this)))); }

  // Home core only, once done() is set.
  Value take() { return std::move(value_); }

 private:
  // Tells the home core when it dies: when the coroutine has ended, and as well when its scope
  // ended first, even before it began.
  class Report {
   public:
    explicit Report(CallRef<RemoteTask> call) : call_(std::move(call)) {}
    Report(Report&&) noexcept = default;
    Report& operator=(Report&&) = delete;
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;
    ~Report() {
      if (call_.get() != nullptr) {
        Core& home = call_->home();
        home.post([call = std::move(call_)] { call->done().set(); });
      }
    }
    RemoteTask* call() const { return call_.get(); }

   private:
    CallRef<RemoteTask> call_;
  };

  static Task<void> run(Report report) {
    auto task = report.call()->make_();
    report.call()->value_ = co_await std::move(task);
  }

  Scope& scope_;
  F make_;
  Value value_ = fail(ErrorKind::Cancelled, "the called side stopped first");
};

template <class F>
std::invoke_result_t<F&> run_remotely(Core* target, Scope* scope, F make) {
  Core* const home = Core::current();
  DCHECK(home != nullptr);
  const CallRef<RemoteTask<F>> call(new RemoteTask<F>(*home, *scope, std::move(make)));
  const AbandonOnExit abandon(call.get());
  target->post([message = CallRef<RemoteCallState>(call)] {
    if (!message->is_abandoned()) {
      message->execute();
    }
  });
  co_await call->done().wait();
  co_return call->take();
}

}  // namespace detail

// co_await run_on(target, scope, make): runs the Async that make() returns on another core, in a
// scope of that core, and returns its result on the calling one. The function and the result are
// moved between the threads: they hold values, never references to what the calling core owns. When
// the awaiting coroutine is destroyed the other one goes on, unobserved: give it a deadline. When
// the scope ends first, returns Cancelled. The scope lives until a message posted before its end
// has run, which holds when its end is posted to its core as well. Both cores outlive the call.
template <class F>
std::invoke_result_t<F&> run_on(Core& target, Scope& scope, F make) {
  return detail::run_remotely(&target, &scope, std::move(make));
}

}  // namespace vallum::async
