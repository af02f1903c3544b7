#include "ext_authz/peers.h"

#include <algorithm>
#include <string>

#include "ext_authz/limits.h"

namespace vallum::ext_authz {

bool Peers::may_ask(const std::optional<IpAddress>& address,
                    const config::ExtAuthzSettings& settings) {
  if (address && std::ranges::any_of(settings.peers, [&](const IpPrefix& peer) {
        return peer.contains(*address);
      })) {
    return true;
  }
  ++strangers_;
  const Instant now = core_.now();
  if (!told_ || now - *told_ >= kStrangerInterval) {
    told_ = now;
    log_.warn("a question came from an address that ext_authz_peers does not name",
              {{"address", address ? address->text() : std::string("unknown")},
               {"questions", strangers_}});
    strangers_ = 0;
  }
  return false;
}

}  // namespace vallum::ext_authz
