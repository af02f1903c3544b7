#include "async/unique_fd.h"

#include <unistd.h>

namespace vallum::async {

void UniqueFd::reset() {
  if (fd_ >= 0) {
    ::close(release());
  }
}

}  // namespace vallum::async
