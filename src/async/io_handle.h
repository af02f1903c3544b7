#pragma once

#include "async/readiness.h"
#include "async/unique_fd.h"
#include "base/result.h"

namespace vallum::async {

// A descriptor watched by its core's reactor. Home core only.
class IoHandle {
 public:
  struct Change {
    bool readable = false;
    bool writable = false;
    bool hang_up = false;  // the peer has closed, or there is an error to collect
  };

  // Owns `fd`, which must be non-blocking.
  IoHandle(Core& core, UniqueFd fd);
  IoHandle(const IoHandle&) = delete;
  IoHandle& operator=(const IoHandle&) = delete;
  ~IoHandle();

  // Starts the watch: call it once. A new handle is taken to be writable and not readable.
  Result<void> watch();
  // Ends the watch and closes the descriptor; waits end with Closed. May be called again.
  void close();
  // Ends the watch and gives the descriptor up, still open.
  UniqueFd release();

  int fd() const { return fd_.get(); }
  Core& core() const { return core_; }
  Readiness& readable() { return readable_; }
  const Readiness& readable() const { return readable_; }
  Readiness& writable() { return writable_; }
  // The peer has closed or failed: readable stays set, because no further edge will come.
  bool hang_up() const { return hang_up_; }
  // After a read that returned less than there was room for: nothing is left unless the peer hung
  // up.
  void drained() {
    if (!hang_up_) {
      readable_.clear();
    }
  }
  void report_again();

  // For reactors.
  void report(Change change);

 private:
  void stop_watching();

  Core& core_;
  UniqueFd fd_;
  Readiness readable_;
  Readiness writable_;
  bool watched_ = false;
  bool hang_up_ = false;
};

}  // namespace vallum::async
