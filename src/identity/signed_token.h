#pragma once

#include <string>

#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "codec/node.h"
#include "crypto/digest.h"
#include "crypto/jose/algorithm.h"
#include "crypto/jose/jwk.h"
#include "http/client.h"
#include "identity/cached_document.h"

namespace vallum::identity {

using KeyDocument = CachedDocument<crypto::JwkSet>;

// The keys in an answer. Unavailable when there are none that can verify a signature.
Result<crypto::JwkSet> parse_keys(const http::ClientResponse& response);

// A token whose signature is good.
struct SignedToken {
  codec::Node claims;
  // The hash of its algorithm.
  crypto::HashAlgorithm hash = crypto::HashAlgorithm::Sha256;
  std::string type;  // "typ" of its header
};

// Unauthenticated, beginning with `name`, for a token that is malformed, signed by an algorithm
// that is not allowed, or not by these keys, of which newer ones are asked for when one is unknown.
// Everything else: the keys cannot be had. Document, token and name outlive the task.
Async<SignedToken> verify_signed(KeyDocument* keys,
                                 crypto::JwsAlgorithmSet allowed,
                                 const Secret* token,
                                 const char* name,
                                 Deadline deadline);

}  // namespace vallum::identity
