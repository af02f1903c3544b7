#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "databroker/store/keys_at_rest.h"

namespace vallum::cli {

// The keys of a store that a running process has to itself, through its vallum.sock. Blocks, a
// minute at most for each answer.
class RemoteKeys final : public databroker::KeysAtRest {
 public:
  explicit RemoteKeys(std::string socket_path) : path_(std::move(socket_path)) {}

  Result<databroker::KeyFacts> facts() override;
  Result<bool> begin_rotation(WallTime now) override;
  Result<Step> reseal() override;
  Result<bool> rewrap() override;

 private:
  // The body of the answer.
  Result<std::string> ask(std::string_view what) const;

  std::string path_;
};

}  // namespace vallum::cli
