#include "telemetry/line_writer.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/block_on.h"
#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "base/entropy.h"
#include "support/sim/fake_core.h"
#include "telemetry/record_log.h"

namespace vallum::telemetry {
namespace {

const Secret kSharedSecret("0123456789abcdef0123456789abcdef");
const RecordPlans kUsual;

// Takes as many bytes as it is told to, or fails.
class ScriptedOutput final : public LineOutput {
 public:
  Attempt try_write(ByteView first, ByteView second) override {
    if (error != 0) {
      return {.status = Attempt::Status::Failed, .bytes = 0, .error = error};
    }
    std::string all(as_text(first));
    all += as_text(second);
    const std::size_t taken = std::min(all.size(), room);
    if (taken == 0 && !all.empty()) {
      return {.status = Attempt::Status::WouldBlock};
    }
    room -= taken;
    text += all.substr(0, taken);
    return {.status = Attempt::Status::Done, .bytes = taken};
  }

  std::string text;
  std::size_t room = SIZE_MAX;
  int error = 0;
};

class LineWriterTest : public ::testing::Test {
 protected:
  ScriptedOutput output_;
  LineWriter writer_{nullptr};
};

TEST_F(LineWriterTest, ALineCutByAShortWriteIsFinishedBeforeAnotherBegins) {
  LineLane& a = writer_.add_lane(output_, 64);
  LineLane& b = writer_.add_lane(output_, 64);
  a.try_append("aaaa\n");
  b.try_append("bbbb\n");

  output_.room = 8;
  EXPECT_EQ(writer_.drain(), LineWriter::Progress::Blocked);
  a.try_append("AAAA\n");
  output_.room = SIZE_MAX;
  EXPECT_EQ(writer_.drain(), LineWriter::Progress::Moved);

  EXPECT_EQ(output_.text, "aaaa\nbbbb\nAAAA\n");
  EXPECT_EQ(writer_.drain(), LineWriter::Progress::Idle);
}

TEST_F(LineWriterTest, AStuckOutputFillsItsLaneAndNoOther) {
  ScriptedOutput other;
  LineLane& stuck = writer_.add_lane(output_, 16);
  LineLane& fine = writer_.add_lane(other, 16);
  output_.room = 0;

  EXPECT_TRUE(stuck.try_append("0123456789abcde\n"));
  EXPECT_TRUE(fine.try_append("line\n"));
  EXPECT_EQ(writer_.drain(), LineWriter::Progress::Blocked);

  EXPECT_FALSE(stuck.try_append("x"));
  EXPECT_EQ(other.text, "line\n");
}

TEST_F(LineWriterTest, AFailingOutputLosesNothingAndSaysSoOnce) {
  std::vector<int> changes;
  writer_.on_output_change([&changes](int error) { changes.push_back(error); });
  LineLane& lane = writer_.add_lane(output_, 64);
  lane.try_append("kept\n");
  output_.error = EPIPE;
  writer_.drain();
  writer_.drain();

  output_.error = 0;
  writer_.drain();

  EXPECT_EQ(output_.text, "kept\n");
  EXPECT_EQ(changes, (std::vector<int>{EPIPE, 0}));
}

TEST_F(LineWriterTest, DiagnosticsThatFindNoRoomAreCounted) {
  LaneLineSink sink(writer_.add_lane(output_, 16));

  sink.write_line("0123456789\n");
  sink.write_line("0123456789\n");

  EXPECT_EQ(sink.lines_dropped(), 1U);
}

TEST_F(LineWriterTest, AFullLaneRefusesTheDecision) {
  RecordLog records(writer_.add_lane(output_, 1024), kSharedSecret);
  DecisionRecord decision;
  decision.subject = "{}";
  decision.outcome = "permit";

  int written = 0;
  while (records.try_write(decision, kUsual)) {
    ++written;
  }

  EXPECT_GT(written, 0);
  EXPECT_EQ(records.decisions_refused(), 1U);
  writer_.drain();
  EXPECT_TRUE(records.try_write(decision, kUsual));
}

TEST_F(LineWriterTest, AccessLinesLeaveRoomForDecisions) {
  RecordLog records(writer_.add_lane(output_, 8192), kSharedSecret);

  while (records.accesses_dropped() == 0) {
    AccessRecord record;
    record.subject = "{}";
    records.write(record, kUsual);
  }

  DecisionRecord decision;
  decision.subject = "{}";
  EXPECT_TRUE(records.try_write(decision, kUsual));
}

// What a real descriptor gets, from a writer on a thread of its own.
class LineWriterThreadTest : public ::testing::Test {
 protected:
  LineWriterThreadTest() { EXPECT_TRUE(bell_.has_value()); }

  // Returns also when nothing comes: the writer makes room in the lane a moment after it wrote.
  static void read_more(int fd, std::string& into) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 1) == 1) {
      char buffer[4096];
      into.append(buffer, static_cast<std::size_t>(::read(fd, buffer, sizeof buffer)));
    }
  }

  SystemClock clock_;  // NOLINT(vallum-banned): two real threads need real time
  SystemEntropy entropy_;
  std::unique_ptr<async::EpollReactor> reactor_ = *async::EpollReactor::create();
  async::Core core_{{.reactor = *reactor_, .clock = clock_, .entropy = entropy_}};
  Result<std::unique_ptr<async::Doorbell>> bell_ = async::Doorbell::open(core_);
};

TEST_F(LineWriterThreadTest, EveryLineArrivesWholeAndInOrder) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileLineOutput output(ends[1]);
  LineWriter writer(bell_->get());
  LineLane& lane = writer.add_lane(output, 4096);
  async::CancelSource stop(core_);
  async::Scope scope(core_);
  scope.spawn(writer.run(&core_, stop.token(), std::chrono::seconds(10)));
  std::string sent;
  std::string got;
  {
    const async::CoreThread thread(core_, {.name = "writer", .cpu = {}});
    for (int i = 0; i < 5000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      while (!lane.try_append(line)) {
        read_more(ends[0], got);
      }
      sent += line;
    }
    while (got.size() < sent.size()) {
      read_more(ends[0], got);
    }
  }
  stop.cancel();
  while (!scope.empty()) {
    core_.turn();
  }

  EXPECT_EQ(got, sent);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(LineWriterThreadTest, StopsWithinItsGraceWhenNobodyReads) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileLineOutput output(ends[1]);
  LineWriter writer(bell_->get());
  LineLane& lane = writer.add_lane(output, 1U << 22U);
  while (lane.try_append(std::string(4095, 'x') + "\n")) {
  }
  async::CancelSource stop(core_);
  stop.cancel();

  async::block_on(core_, writer.run(&core_, stop.token(), std::chrono::milliseconds(20)));

  EXPECT_FALSE(lane.try_append(std::string(1U << 22U, 'x')));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FileLineOutputTest, LeavesASharedDescriptorBlocking) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileLineOutput output(ends[1]);

  const std::string megabytes(4U << 20U, 'x');
  const auto attempt = output.try_write(as_bytes(megabytes), {});

  EXPECT_LT(attempt.bytes, megabytes.size());
  EXPECT_EQ(::fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(output.try_write(as_bytes("x"), {}).status, LineOutput::Attempt::Status::WouldBlock);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FileLineOutputTest, ASocketWhosePeerIsGoneFailsWithoutASignal) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  FileLineOutput output(ends[1]);
  EXPECT_EQ(output.try_write(as_bytes("a"), as_bytes("b")).bytes, 2U);

  ::close(ends[0]);

  EXPECT_EQ(output.try_write(as_bytes("a"), {}).error, EPIPE);
  ::close(ends[1]);
}

}  // namespace
}  // namespace vallum::telemetry
