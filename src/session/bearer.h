#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "config/token_issuer.h"
#include "session/handle.h"
#include "session/identity_cache.h"
#include "session/lru_table.h"
#include "session/records.h"

// Tokens of others that stand for a session (identity specification 2.5): "Authorization: Bearer
// TOKEN" on routes that take them.
namespace vallum::session {

// As long as a header may be that other limits let through.
inline constexpr std::size_t kBearerBytesMax = 16 * 1024;

// The token of an Authorization field, the scheme in any case; "" for one that is no token. Nothing
// when the field is of another scheme or carries a credential of ours.
std::optional<std::string_view> bearer_token(std::string_view authorization);

// The session that a token stands for: the same on every node, and for nothing else than this very
// token. `provider` is the id of the identity provider, or the name in identity_providers. Requires
// another format than Default.
std::string bearer_session_id(config::BearerTokenFormat format,
                              std::string_view provider,
                              std::string_view token);

// Whether a session that was made of a verified token counts under these rules: who issued it, and
// whom for. `idp_id` is the session's, `own_idp_id` that of our identity provider.
bool bearer_fits(const config::BearerRules& rules,
                 std::string_view own_idp_id,
                 std::string_view idp_id,
                 const policy::Claims& claims);

// Asks whoever verifies tokens.
struct BearerQuestion {
  Secret token;
  config::BearerRules rules;
};

// The session of a token that is good.
struct BearerSession {
  std::string session_id;
  std::string idp_id;
  // Where its record can be read.
  std::uint64_t server_version = 0;
  std::uint64_t record_version = 0;
};

// Unauthenticated: the token is not valid here, for a reason without secrets. Everything else:
// nobody knows.
using VerifyBearer = UniqueFunction<Async<BearerSession>(BearerQuestion, Deadline)>;

struct FoundBearer {
  enum class State : std::uint8_t {
    Found,
    NeedsLoad,          // of `wanted`, as FoundSession
    NeedsVerification,  // then remember()
    Refused,            // this is no token
  };
  State state = State::Refused;
  IdentityRef identity;
  SessionWanted wanted;
};

// Remembers which session a token stands for, so that a program's next request costs one look. Only
// tokens that were verified are remembered, so strangers cannot fill the memory. One per core.
class BearerFinder {
 public:
  // Of kBearerBytesMax at most; a JWT has about one KB.
  static constexpr std::size_t kKnownMax = 5000;

  // The cache outlives the finder.
  BearerFinder(IdentityCache& identities, std::string own_idp_id);

  // Never allocates when token and identity are known.
  FoundBearer find(std::string_view token, const config::BearerRules& rules, WallTime now);
  void remember(const Secret& token,
                config::BearerTokenFormat format,
                const BearerSession& session);

 private:
  struct Known {
    // A text that is a token of two formats stands for two sessions.
    config::BearerTokenFormat format = config::BearerTokenFormat::Default;
    Handle handle;
  };

  IdentityCache& identities_;
  std::string own_idp_id_;
  LruTable<Known> known_;
};

}  // namespace vallum::session
