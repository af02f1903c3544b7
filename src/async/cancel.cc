#include "async/cancel.h"

namespace vallum::async {

void CancelSource::cancel() {
  if (is_cancelled()) {
    return;
  }
  const detail::CancelStateRef keep = state_;
  keep.get()->event.set();
  while (!keep.get()->hooks.empty()) {
    detail::CancelHook& hook = keep.get()->hooks.front();
    hook.unlink();
    hook.cancelled();
  }
}

}  // namespace vallum::async
