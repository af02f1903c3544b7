#include "session/session_finder.h"

#include <utility>

namespace vallum::session {

SessionFinder::SessionFinder(IdentityCache& identities,
                             const SecretList& shared_keys,
                             std::string cookie_name,
                             HandleReader::Limits limits)
    : identities_(identities), reader_(shared_keys, limits), cookie_name_(std::move(cookie_name)) {}

FoundSession SessionFinder::find(const CredentialPlaces& places, const HandleUse& use) {
  FoundSession found;
  const auto credentials = find_credentials(places, cookie_name_);
  if (!credentials) {
    found.state = FoundSession::State::Ambiguous;
    return found;
  }
  found.presented_cookie = credentials->has_cookie();
  found.presented_token = credentials->has_token();
  const auto presented = reader_.read(*credentials, use);
  if (!presented) {
    found.state = FoundSession::State::Ambiguous;
    return found;
  }
  found.refused = presented->refused;
  for (const Handle* handle : presented->all()) {
    std::optional<IdentityRef> identity = identities_.find(*handle, use.now, use.outage_grace);
    if (!identity) {
      found.state = FoundSession::State::NeedsLoad;
      found.identity = nullptr;
      found.wanted = SessionWanted::of(*handle);
      return found;
    }
    if (*identity == nullptr) {
      ++found.refused;
    } else if (found.state == FoundSession::State::Found) {
      found.state = FoundSession::State::Ambiguous;
      found.identity = nullptr;
      return found;
    } else {
      found.state = FoundSession::State::Found;
      found.identity = *std::move(identity);
    }
  }
  return found;
}

}  // namespace vallum::session
