#pragma once

#include <initializer_list>
#include <memory>

#include "async/io_handle.h"
#include "async/task.h"

namespace vallum::async {

// Keeps the signals from their default action in this thread and every thread it starts later. Call
// it in main() before any thread exists.
void block_signals(std::initializer_list<int> signals);

// Signals of the process, awaited on a core. Only one watch should exist for a signal, and
// block_signals() must have been called for it.
class SignalWatch {
 public:
  static Result<std::unique_ptr<SignalWatch>> open(Core& core, std::initializer_list<int> signals);

  // The next signal's number.
  Async<int> next();

 private:
  SignalWatch(Core& core, UniqueFd fd) : handle_(core, std::move(fd)) {}

  IoHandle handle_;
};

}  // namespace vallum::async
