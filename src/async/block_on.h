#pragma once

#include <optional>
#include <utility>

#include "async/core.h"
#include "async/scope.h"
#include "async/task.h"

namespace vallum::async {

// Runs `core` on this thread until the task is done, and returns its value: for main(), commands
// and tests, never inside a core.
template <class T>
T block_on(Core& core, Task<T> task) {
  DCHECK(Core::current() == nullptr);
  std::optional<T> value;
  Scope scope(core);
  auto run = [](Task<T> inner, std::optional<T>* out) -> Task<void> {
    out->emplace(co_await std::move(inner));
  };
  scope.spawn(run(std::move(task), &value));
  while (!scope.empty()) {
    core.turn();
  }
  return *std::move(value);
}

inline void block_on(Core& core, Task<void> task) {
  DCHECK(Core::current() == nullptr);
  Scope scope(core);
  scope.spawn(std::move(task));
  while (!scope.empty()) {
    core.turn();
  }
}

}  // namespace vallum::async
