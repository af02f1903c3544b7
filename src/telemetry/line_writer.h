#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "async/byte_ring.h"
#include "async/cancel.h"
#include "async/doorbell.h"
#include "async/task.h"
#include "async/unique_fd.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "telemetry/log.h"

namespace vallum::telemetry {

// Where a LineWriter puts lines: an attempt that never blocks.
class LineOutput {
 public:
  struct Attempt {
    enum class Status : std::uint8_t { Done, WouldBlock, Failed };
    Status status = Status::WouldBlock;
    std::size_t bytes = 0;
    int error = 0;  // errno, when Failed
  };

  LineOutput() = default;
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;
  virtual ~LineOutput() = default;

  virtual Attempt try_write(ByteView first, ByteView second) = 0;
};

// A descriptor such as standard output: pipe, terminal, socket or file, written without blocking
// and without changing the descriptor that other processes may share.
class FileLineOutput final : public LineOutput {
 public:
  // Does not own `fd`.
  explicit FileLineOutput(int fd);
  Attempt try_write(ByteView first, ByteView second) override;

 private:
  enum class Kind : std::uint8_t { NonBlocking, Socket, Disk, Polled };

  int fd_;
  async::UniqueFd own_;  // the same file opened again, where that is possible
  Kind kind_ = Kind::Polled;
};

// One thread's way to an output: whole lines in fixed memory. What is appended is with the sink:
// the writer's own thread takes it within milliseconds, whatever this thread does. It is lost only
// if the process is killed before that, or the output fails for good.
class LineLane {
 public:
  LineLane(async::Doorbell* bell, std::size_t bytes_max) : ring_(bytes_max), bell_(bell) {}

  // Never blocks, never allocates. False when the lane is full: the output is too slow.
  bool try_append(std::string_view line);
  std::size_t room() { return ring_.room(); }
  std::size_t capacity() const { return ring_.capacity(); }

 private:
  friend class LineWriter;
  async::ByteRing ring_;
  async::Doorbell* bell_;
};

// A lane that loses lines when it is full and counts them: for diagnostics of cores, which must not
// wait for a slow reader.
class LaneLineSink final : public LineSink {
 public:
  explicit LaneLineSink(LineLane& lane) : lane_(lane) {}
  void write_line(std::string_view line) override;
  std::uint64_t lines_dropped() const { return lines_dropped_; }

 private:
  LineLane& lane_;
  std::uint64_t lines_dropped_ = 0;
};

// Takes lines from lanes and writes them out, on a core of its own so that a slow output holds
// nobody up. Lines of different lanes never mix. When an output fails nothing is thrown away: the
// lanes fill up, appending fails, and whoever must record refuses to go on.
class LineWriter {
 public:
  // `bell` rings on the core of run(); null when drain() is called by hand.
  explicit LineWriter(async::Doorbell* bell);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  ~LineWriter();

  // Called by drain() with an errno when an output begins to fail, and with 0 when it works again.
  void on_output_change(UniqueFunction<void(int)> changed);

  // Before run(). The output outlives the writer; the lane lives as long as the writer.
  LineLane& add_lane(LineOutput& output, std::size_t bytes_max);

  enum class Progress : std::uint8_t { Idle, Moved, Blocked };
  // One pass over all lanes. Idle: there was nothing; Blocked: an output takes no more for now.
  Progress drain();

  // Drains until cancelled, and then until all is written or `grace` has passed. Requires a bell.
  Task<void> run(async::Core* core, async::CancelToken stop, Duration grace);

 private:
  struct Output;
  Output& output_of(LineOutput& target);
  Progress drain(Output& output);
  void note(Output& output, int error);

  async::Doorbell* bell_;
  UniqueFunction<void(int)> changed_;
  std::vector<std::unique_ptr<Output>> outputs_;
};

}  // namespace vallum::telemetry
