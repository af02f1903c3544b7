#pragma once

#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/time.h"
#include "config/route_settings.h"
#include "crypto/jose/signing_key.h"
#include "session/joined_identity.h"

namespace vallum::authorize {

inline constexpr std::chrono::seconds kAssertionLifetime{300};

// For whom and for where an assertion is made.
struct AssertionSubject {
  // Null for an anonymous request.
  const session::JoinedIdentity* identity = nullptr;
  // The host that was asked for, without port.
  std::string_view host;
  const config::AssertionRules& rules;
};

// The JWT that tells an application who asks (policy specification 5.2), and the headers that
// repeat claims of it.
class Assertion {
 public:
  Assertion(const AssertionSubject& subject, WallTime now, Entropy& entropy);

  std::string sign(const crypto::SigningKey& key) const;
  // Of one claim of it, for a header of its own; "" when there is none. Made safe to stand in a
  // header line.
  std::string header_value(std::string_view claim) const;

 private:
  AssertionSubject subject_;
  std::string issuer_;
  UuidText id_;
  std::int64_t issued_at_;
};

// What an application gets to know of who asks, in lines of a request's head.
struct IdentityLines {
  // Complete header lines.
  std::string_view lines;
  // "" where no header needs it.
  std::string_view assertion;
};

// The same as text: the lines, and the assertion within them or before them.
struct IdentityText {
  std::string text;
  std::size_t lines_begin = 0;
  std::size_t assertion_begin = 0;
  std::size_t assertion_bytes = 0;

  IdentityLines view() const {
    const std::string_view all = text;
    return {.lines = all.substr(lines_begin),
            .assertion = all.substr(assertion_begin, assertion_bytes)};
  }
};

// Everything of policy specification 5.1 that depends on who asks and on the route alone: the
// assertion, one line per claim header, impersonation, the routing key. A claim that does not exist
// gives an empty line, so that a client's own can never stand for it.
IdentityText identity_text(const AssertionSubject& subject,
                           const config::RouteSettings& route,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy);

// Whether identity_text() has anything to say on this route.
bool tells_identity(const config::RouteSettings& route);

}  // namespace vallum::authorize
