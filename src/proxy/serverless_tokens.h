#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "async/core.h"
#include "async/task.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "session/lru_table.h"

namespace vallum::proxy {

// The tokens by which applications on Google's serverless platforms know us, as one core keeps them
// between looks at whoever gets them. Home core only.
class ServerlessTokens {
 public:
  // Gets the token for an audience, called on this core; none where the deployment has no way to.
  using Fetch = UniqueFunction<Async<std::string>(std::string audience, Deadline deadline)>;

  ServerlessTokens(async::Core& core, Fetch fetch)
      : core_(core), fetch_(std::move(fetch)), known_(kKnownMax) {}
  ServerlessTokens(const ServerlessTokens&) = delete;
  ServerlessTokens& operator=(const ServerlessTokens&) = delete;

  // "" when there is none: the request goes on without, and whoever gets tokens has said why in the
  // log. Waits only for a token that this core has not asked for in the last minutes.
  Task<std::string> token(std::string audience, Deadline deadline);

 private:
  struct Known {
    std::string token;
    Instant until{};
  };
  static constexpr std::size_t kKnownMax = 1000;
  // Short of what is left of a token's life when it is given out last.
  static constexpr Duration kKeptFor = std::chrono::minutes(3);

  async::Core& core_;
  Fetch fetch_;
  session::LruTable<Known> known_;
};

}  // namespace vallum::proxy
