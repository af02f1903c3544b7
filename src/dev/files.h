#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vallum::dev {

// Whole small files. Errors name the path.

// NotFound when there is none.
Result<std::string> read_file(const std::string& path);

// Replaces the file in one step, with mode 0600.
Result<void> write_private_file(const std::string& path, std::string_view content);

// Creates the folder with mode 0700 when it is absent.
Result<void> ensure_folder(const std::string& path);

}  // namespace vallum::dev
