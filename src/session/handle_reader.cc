#include "session/handle_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

namespace vallum::session {
namespace {

bool fits(const Handle& handle, const HandleUse& use) {
  if (!handle.is_current(use.now)) {
    return false;
  }
  if (handle.is_service_account()) {
    return true;
  }
  const bool is_other_provider =
      !handle.idp_id.empty() && !use.idp_id.empty() && handle.idp_id != use.idp_id;
  return handle.covers_host(use.host) && !is_other_provider;
}

}  // namespace

HandleReader::HandleReader(const SecretList& shared_keys, Limits limits)
    : shared_keys_(shared_keys.clone()),
      limits_(limits),
      codec_(shared_keys),
      known_(limits.handles_max) {
  CHECK(limits.handles_max >= Credentials::kMax);
}

void HandleReader::use(const SecretList& shared_keys) {
  if (shared_keys.equals(shared_keys_)) {
    return;
  }
  shared_keys_ = shared_keys.clone();
  codec_ = HandleCodec(shared_keys);
  known_.clear();
}

Result<Presented> HandleReader::read(const Credentials& credentials, const HandleUse& use) {
  Presented presented;
  for (const Credential& credential : credentials.all()) {
    const Handle* handle = verified(credential.text);
    if (handle == nullptr || !fits(*handle, use)) {
      ++presented.refused;
      continue;
    }
    const bool is_repeated = std::ranges::any_of(presented.all(), [handle](const Handle* earlier) {
      return earlier->session_id == handle->session_id &&
             earlier->is_service_account() == handle->is_service_account();
    });
    if (is_repeated) {
      continue;
    }
    if (presented.count == Presented::kMax) {
      return fail(ErrorKind::InvalidInput, "the request carries too many session credentials");
    }
    presented.handles[presented.count++] = handle;
  }
  return presented;
}

const Handle* HandleReader::verified(std::string_view text) {
  if (text.empty() || text.size() > HandleCodec::kTextBytesMax) {
    return nullptr;
  }
  if (const Handle* known = known_.find(text)) {
    return known;
  }
  Result<Handle> handle = codec_.verify(text);
  if (!handle) {
    return nullptr;
  }
  return &known_.insert(std::string(text), *std::move(handle), [](auto&&...) {});
}

}  // namespace vallum::session
