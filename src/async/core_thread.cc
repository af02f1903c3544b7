#include "async/core_thread.h"

#include <thread>
#include <utility>

#include <pthread.h>
#include <sched.h>

namespace vallum::async {

struct CoreThread::Native {
  std::thread thread;
};

CoreThread::CoreThread(Core& core, Options options)
    : core_(core), native_(std::make_unique<Native>()) {
  native_->thread = std::thread([&core, options = std::move(options)] {
    ::pthread_setname_np(::pthread_self(), options.name.substr(0, 15).c_str());
    if (options.cpu) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(*options.cpu, &set);
      ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
    }
    core.run();
  });
}

CoreThread::~CoreThread() {
  core_.stop();
  native_->thread.join();
}

}  // namespace vallum::async
