#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vallum::config {

// Reads the files that a configuration names. A seam, so that fuzzing and tests touch no disk.
class Files {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{5} << 20;

  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  // The whole content. The error says why, without the path.
  virtual Result<std::string> read(std::string_view path) const = 0;
};

// The file system. Relative paths start in `directory`, or in the working directory when that is
// empty. Blocks: control threads only.
class DiskFiles final : public Files {
 public:
  explicit DiskFiles(std::string directory = {}) : directory_(std::move(directory)) {}
  Result<std::string> read(std::string_view path) const override;

 private:
  std::string directory_;
};

}  // namespace vallum::config
