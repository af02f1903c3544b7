#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "async/core.h"
#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "session/credentials.h"
#include "session/handle_reader.h"
#include "session/identity_cache.h"

namespace vallum::session {

// Who asks, as far as is known without waiting.
struct FoundSession {
  enum class State : std::uint8_t {
    None,       // anonymous: go on without an identity
    Found,      // `identity` is valid now
    NeedsLoad,  // load(wanted), then find() again; a few times at most
    Ambiguous,  // answer 400
  };
  State state = State::None;
  IdentityRef identity;
  SessionWanted wanted;  // filled in for NeedsLoad alone
  // A credential was there, valid or not.
  bool presented_cookie = false;
  bool presented_token = false;
  // Credentials that were there and do not count.
  std::size_t refused = 0;
};

// From a request's credentials to its identity: the one way in which any part of the program learns
// who asks. One per core and generation of secrets.
//
//   FoundSession found = finder.find(places, use);
//   for (int turn = 0; found.state == NeedsLoad && turn < 3; ++turn) {
//     CO_TRY_OK(co_await identities.load(found.wanted, deadline));
//     found = finder.find(places, use);
//   }
class SessionFinder {
 public:
  // The cache outlives the finder.
  SessionFinder(IdentityCache& identities,
                const Secret& shared_key,
                std::string cookie_name,
                HandleReader::Limits limits = {})
      : SessionFinder(identities, SecretList(shared_key.clone()), std::move(cookie_name), limits) {}
  SessionFinder(IdentityCache& identities,
                const SecretList& shared_keys,
                std::string cookie_name,
                HandleReader::Limits limits = {});

  // Other secrets from now on.
  void use(const SecretList& shared_keys) { reader_.use(shared_keys); }

  // Never allocates when handle and identity are known. Two credentials whose sessions both exist
  // and differ are ambiguous: whoever planted one of them must not decide which is used. One whose
  // session has ended does not count.
  FoundSession find(const CredentialPlaces& places, const HandleUse& use);

 private:
  IdentityCache& identities_;
  HandleReader reader_;
  std::string cookie_name_;
};

}  // namespace vallum::session
