#pragma once

#include <string>

#include "base/result.h"
#include "codec/node.h"
#include "identity/provider.h"

namespace vallum::identity {

// The user that these claims are about; tokens and ID token are left to the caller. Unauthenticated
// when a bound of claims is exceeded.
Result<SignedIn> describe(const codec::Node& claims, const std::string& subject);

}  // namespace vallum::identity
