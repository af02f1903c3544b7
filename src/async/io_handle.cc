#include "async/io_handle.h"

#include <utility>

#include "async/core.h"
#include "async/reactor.h"
#include "base/check.h"

namespace vallum::async {

IoHandle::IoHandle(Core& core, UniqueFd fd)
    : core_(core), fd_(std::move(fd)), readable_(core, false), writable_(core, true) {}

IoHandle::~IoHandle() {
  close();
}

Result<void> IoHandle::watch() {
  DCHECK(core_.on_home_core());
  DCHECK(!watched_);
  TRY_OK(core_.reactor().add(*this));
  watched_ = true;
  return {};
}

void IoHandle::stop_watching() {
  if (watched_) {
    // Closing alone is not enough: another process may hold the same open file.
    core_.reactor().remove(*this);
    watched_ = false;
  }
}

void IoHandle::close() {
  stop_watching();
  fd_.reset();
  readable_.close();
  writable_.close();
}

UniqueFd IoHandle::release() {
  stop_watching();
  return std::move(fd_);
}

void IoHandle::report_again() {
  if (watched_) {
    core_.reactor().report_again(*this);
  }
}

void IoHandle::report(Change change) {
  hang_up_ = hang_up_ || change.hang_up;
  if (change.readable) {
    readable_.set();
  }
  if (change.writable) {
    writable_.set();
  }
}

}  // namespace vallum::async
