#include "support/temp_directory.h"

#include <cstdlib>
#include <filesystem>

#include <system_error>

#include "base/check.h"

namespace vallum::testing {

TempDirectory::TempDirectory() : path_("/tmp/vallum-test-XXXXXX") {
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vallum::testing
