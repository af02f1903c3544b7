#include "telemetry/line_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "async/sleep.h"

namespace vallum::telemetry {

namespace {

// While lines keep coming they are gathered for this long, so that each write moves many.
constexpr Duration kGather = std::chrono::milliseconds(1);
constexpr Duration kBlockedPause = std::chrono::milliseconds(2);
constexpr Duration kFailedPause = std::chrono::milliseconds(100);
// A pipe of this size takes what gathers while its reader works.
constexpr int kPipeBytes = 1 << 20;

iovec part(ByteView bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): writev() only reads its parts
  auto* const data = const_cast<std::byte*>(bytes.data());
  return {.iov_base = data, .iov_len = bytes.size()};
}

LineOutput::Attempt attempt_of(ssize_t written) {
  if (written >= 0) {
    return {.status = LineOutput::Attempt::Status::Done,
            .bytes = static_cast<std::size_t>(written)};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return {.status = LineOutput::Attempt::Status::WouldBlock};
  }
  return {.status = LineOutput::Attempt::Status::Failed, .bytes = 0, .error = errno};
}

}  // namespace

FileLineOutput::FileLineOutput(int fd) : fd_(fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return;
  }
  if (S_ISSOCK(status.st_mode)) {
    kind_ = Kind::Socket;
    return;
  }
  if (S_ISREG(status.st_mode)) {
    kind_ = Kind::Disk;
    return;
  }
  if (S_ISFIFO(status.st_mode)) {
    ::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);
  }
  // O_NONBLOCK belongs to the open file, which a shell or another process may share: open it again.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  own_ = async::UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (own_.is_open()) {
    kind_ = Kind::NonBlocking;
    fd_ = own_.get();
  }
}

LineOutput::Attempt FileLineOutput::try_write(ByteView first, ByteView second) {
  std::array<iovec, 2> parts = {part(first), part(second)};
  switch (kind_) {
    case Kind::NonBlocking:
    case Kind::Disk:
      return attempt_of(::writev(fd_, parts.data(), parts.size()));
    case Kind::Socket: {
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      return attempt_of(::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    case Kind::Polled:
      break;
  }
  // A pipe that is writable takes PIPE_BUF bytes without blocking.
  pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&wait, 1, 0) == 0) {
    return {.status = Attempt::Status::WouldBlock};
  }
  const ByteView piece = first.empty() ? second : first;
  return attempt_of(::write(fd_, piece.data(), std::min<std::size_t>(piece.size(), PIPE_BUF)));
}

bool LineLane::try_append(std::string_view line) {
  if (!ring_.try_push(as_bytes(line))) {
    return false;
  }
  if (bell_ != nullptr) {
    bell_->ring();
  }
  return true;
}

void LaneLineSink::write_line(std::string_view line) {
  if (!lane_.try_append(line)) {
    ++lines_dropped_;
  }
}

struct LineWriter::Output {
  explicit Output(LineOutput& to) : target(to) {}

  LineOutput& target;
  std::vector<std::unique_ptr<LineLane>> lanes;
  // The lane a pass begins with: the one whose line was cut by a short write.
  std::size_t first = 0;
  int error = 0;
};

LineWriter::LineWriter(async::Doorbell* bell) : bell_(bell) {}
LineWriter::~LineWriter() = default;

void LineWriter::on_output_change(UniqueFunction<void(int)> changed) {
  changed_ = std::move(changed);
}

LineWriter::Output& LineWriter::output_of(LineOutput& target) {
  for (const auto& output : outputs_) {
    if (&output->target == &target) {
      return *output;
    }
  }
  outputs_.push_back(std::make_unique<Output>(target));
  return *outputs_.back();
}

LineLane& LineWriter::add_lane(LineOutput& output, std::size_t bytes_max) {
  auto& lanes = output_of(output).lanes;
  lanes.push_back(std::make_unique<LineLane>(bell_, bytes_max));
  return *lanes.back();
}

void LineWriter::note(Output& output, int error) {
  if (error != output.error) {
    output.error = error;
    if (changed_) {
      changed_(error);
    }
  }
}

LineWriter::Progress LineWriter::drain(Output& output) {
  Progress progress = Progress::Idle;
  for (std::size_t i = 0; i < output.lanes.size(); ++i) {
    const std::size_t index = (output.first + i) % output.lanes.size();
    async::ByteRing& ring = output.lanes[index]->ring_;
    const auto pieces = ring.pushed();
    const std::size_t size = pieces[0].size() + pieces[1].size();
    if (size == 0) {
      continue;
    }
    const LineOutput::Attempt attempt = output.target.try_write(pieces[0], pieces[1]);
    if (attempt.status == LineOutput::Attempt::Status::Failed) {
      note(output, attempt.error);
    } else if (attempt.status == LineOutput::Attempt::Status::Done) {
      note(output, 0);
    }
    ring.drop(attempt.bytes);
    if (attempt.bytes < size) {
      output.first = index;
      return Progress::Blocked;
    }
    progress = Progress::Moved;
  }
  output.first = 0;
  return progress;
}

LineWriter::Progress LineWriter::drain() {
  bool moved = false;
  bool blocked = false;
  for (const auto& output : outputs_) {
    const Progress progress = drain(*output);
    moved = moved || progress == Progress::Moved;
    blocked = blocked || progress == Progress::Blocked;
  }
  return blocked ? Progress::Blocked : moved ? Progress::Moved : Progress::Idle;
}

Task<void> LineWriter::run(async::Core* core, async::CancelToken stop, Duration grace) {
  async::Doorbell* bell = bell_;
  const async::CancelCallback wake(stop, [bell] { bell->ring(); });
  while (!stop.is_cancelled()) {
    const Progress progress = drain();
    if (progress == Progress::Blocked) {
      const bool failing =
          std::ranges::any_of(outputs_, [](const auto& output) { return output->error != 0; });
      co_await async::sleep_for(*core, failing ? kFailedPause : kBlockedPause);
    } else if (progress == Progress::Moved) {
      co_await async::sleep_for(*core, kGather);
    } else {
      bell->arm();
      if (drain() == Progress::Idle && !stop.is_cancelled()) {
        co_await bell->rung(Deadline::never());
      }
      bell->disarm();
    }
  }
  const Deadline deadline = core->deadline_in(grace);
  while (drain() != Progress::Idle && !deadline.has_passed(core->clock())) {
    co_await async::sleep_for(*core, kGather);
  }
}

}  // namespace vallum::telemetry
