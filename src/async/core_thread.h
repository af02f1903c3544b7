#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/core.h"

namespace vallum::async {

// Runs a core on a thread of its own until destroyed: then the core is stopped and the thread
// joined. What lives on the core must be gone by then; see Core::stop().
class CoreThread {
 public:
  struct Options {
    std::string name;             // at most 15 bytes
    std::optional<unsigned> cpu;  // pins the thread to it; failure to is ignored
  };
  // `core` outlives this.
  CoreThread(Core& core, Options options);
  CoreThread(const CoreThread&) = delete;
  CoreThread& operator=(const CoreThread&) = delete;
  ~CoreThread();

 private:
  struct Native;
  Core& core_;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::async
