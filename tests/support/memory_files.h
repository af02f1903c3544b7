#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/files.h"

namespace vallum::testing {

// Files that exist only for one test.
class MemoryFiles final : public config::Files {
 public:
  void put(std::string path, std::string content) {
    contents_.insert_or_assign(std::move(path), std::move(content));
  }

  Result<std::string> read(std::string_view path) const override {
    const auto it = contents_.find(path);
    if (it == contents_.end()) {
      return fail(ErrorKind::NotFound, "No such file or directory");
    }
    return it->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> contents_;
};

}  // namespace vallum::testing
