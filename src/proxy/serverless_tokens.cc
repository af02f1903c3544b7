#include "proxy/serverless_tokens.h"

#include <utility>

namespace vallum::proxy {

Task<std::string> ServerlessTokens::token(std::string audience, Deadline deadline) {
  if (const Known* known = known_.find(audience); known != nullptr && core_.now() < known->until) {
    co_return known->token;
  }
  if (!fetch_) {
    co_return std::string();
  }
  const Result<std::string> fetched = co_await fetch_(audience, deadline);
  if (!fetched) {
    co_return std::string();
  }
  Known* known = known_.find(audience);
  if (known == nullptr) {
    known = &known_.insert(std::move(audience), {}, [](std::string_view, Known&) {});
  }
  *known = {.token = *fetched, .until = core_.now() + kKeptFor};
  co_return *fetched;
}

}  // namespace vallum::proxy
