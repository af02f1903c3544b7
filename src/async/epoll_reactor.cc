#include "async/epoll_reactor.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "async/io_handle.h"
#include "base/check.h"

namespace vallum::async {
namespace {

constexpr std::size_t kEventsPerWait = 256;
constexpr std::uint32_t kEverything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

// Rounded up, so that a wait for a timer does not end just before it.
int milliseconds(Duration duration) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return count > INT_MAX ? INT_MAX : static_cast<int>(count);
}

}  // namespace

Result<std::unique_ptr<EpollReactor>> EpollReactor::create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.is_open() || !event.is_open()) {
    return fail(ErrorKind::ResourceExhausted, "no file descriptor left for an event loop");
  }
  epoll_event interest{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &interest) != 0) {
    return fail(ErrorKind::ResourceExhausted, "the kernel refuses to watch an event descriptor");
  }
  return std::unique_ptr<EpollReactor>(new EpollReactor(std::move(epoll), std::move(event)));
}

void EpollReactor::wait(Duration at_most) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel fills it
  std::array<epoll_event, kEventsPerWait> events;
  const int timeout = at_most == Duration::max() ? -1 : milliseconds(at_most);
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerWait, timeout);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      continue;  // the eventfd: its edge has done its work, the count is never read
    }
    const std::uint32_t bits = event.events;
    const bool hang_up = (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    static_cast<IoHandle*>(event.data.ptr)
        ->report({.readable = hang_up || (bits & EPOLLIN) != 0,
                  .writable = (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
                  .hang_up = hang_up});
  }
}

void EpollReactor::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

Result<void> EpollReactor::add(IoHandle& handle) {
  epoll_event interest{.events = kEverything, .data = {.ptr = &handle}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, handle.fd(), &interest) != 0) {
    return fail(ErrorKind::ResourceExhausted, "the kernel refuses to watch another descriptor");
  }
  return {};
}

void EpollReactor::remove(IoHandle& handle) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handle.fd(), nullptr);
}

void EpollReactor::report_again(IoHandle& handle) {
  epoll_event interest{.events = kEverything, .data = {.ptr = &handle}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, handle.fd(), &interest);
}

}  // namespace vallum::async
