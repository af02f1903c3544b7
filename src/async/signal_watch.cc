#include "async/signal_watch.h"

#include <csignal>
#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

namespace vallum::async {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) {
    ::sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void block_signals(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Result<std::unique_ptr<SignalWatch>> SignalWatch::open(Core& core,
                                                       std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) {
    return fail(ErrorKind::ResourceExhausted, "no file descriptor left for signals");
  }
  std::unique_ptr<SignalWatch> watch(new SignalWatch(core, std::move(fd)));
  TRY_OK(watch->handle_.watch());
  return watch;
}

Async<int> SignalWatch::next() {
  for (;;) {
    signalfd_siginfo info = {};
    const ssize_t size = ::read(handle_.fd(), &info, sizeof info);
    if (size == static_cast<ssize_t>(sizeof info)) {
      co_return static_cast<int>(info.ssi_signo);
    }
    handle_.readable().clear();
    const Ready ready = co_await handle_.readable().wait(Deadline::never());
    if (ready != Ready::Ready) {
      co_return fail(ErrorKind::Cancelled, "the signal watch was closed");
    }
  }
}

}  // namespace vallum::async
