#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace vallum::tls {

// A whole PEM file, at most kPemFileBytesMax. Fails with text that names the file and the reason.
// Blocks: for loading configuration only.
Result<Bytes> read_file(const std::string& path);

}  // namespace vallum::tls
