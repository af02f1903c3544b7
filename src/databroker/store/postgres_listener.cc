#include "databroker/store/postgres_listener.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace vallum::databroker {
namespace {

bool is_readable(int fd, Duration within) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(within).count();
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(millis)) > 0;
}

}  // namespace

Result<std::unique_ptr<PostgresListener>> PostgresListener::create(PostgresLink link,
                                                                   std::string node) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::Unavailable, "postgres: no file descriptors are left");
  }
  return std::unique_ptr<PostgresListener>(new PostgresListener(
      std::move(link), std::move(node), async::UniqueFd(ends[0]), async::UniqueFd(ends[1])));
}

void PostgresListener::stop() {
  constexpr char kByte = 0;
  // The pipe has room: nobody else writes to it, and a second byte changes nothing.
  static_cast<void>(!::write(stop_said_.get(), &kByte, 1));
}

void PostgresListener::wait(Duration at_most) {
  if (is_readable(stop_heard_.get(), Duration(0))) {
    return;
  }
  const bool was_up = link_.is_up();
  const auto connection = link_.get();
  if (!connection) {
    is_readable(stop_heard_.get(), std::min(link_.pause_left(), at_most));
    return;
  }
  if (!was_up) {
    return;
  }
  for (;;) {
    const auto came = (*connection)->wait(at_most, stop_heard_.get());
    if (!came) {
      link_.drop();
      return;
    }
    if (!*came || take_news(**connection)) {
      return;
    }
  }
}

// Whether any other node said something.
bool PostgresListener::take_news(PostgresConnection& connection) const {
  bool is_news = false;
  while (const auto payload = connection.next_notification()) {
    is_news = is_news || *payload != node_;
  }
  return is_news;
}

}  // namespace vallum::databroker
