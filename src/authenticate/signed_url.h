#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "codec/form.h"
#include "crypto/hmac.h"
#include "http/message.h"

namespace vallum::authenticate {

// What verify() takes as the base of the URL by which this request came.
std::string signed_base(const http::Request& request);

// A URL that only holders of the shared key can make (identity specification 1.2): how the route
// hosts and the authenticate host trust what a browser carries between them. The path separates the
// purposes; method and body are not covered, so nothing is ever read from a body. One thread at a
// time.
class UrlSigner {
 public:
  static constexpr std::chrono::seconds kLifetime{300};
  static constexpr std::chrono::seconds kLeeway{60};
  // A correctly signed URL that claims to live longer is refused: a peer's mistake must not become
  // a master key.
  static constexpr std::chrono::seconds kLifetimeMax{600};

  explicit UrlSigner(const Secret& shared_key) : UrlSigner(SecretList(shared_key.clone())) {}
  // The first key signs, all verify. Requires at least one.
  explicit UrlSigner(const SecretList& shared_keys);

  // `base` is scheme://host[:port]/path without a query. Returns base?query with times and
  // signature.
  std::string sign(std::string_view base, codec::Query query, WallTime now);

  // `base` is https://, the host of the request being answered and its path as received; `query`
  // its raw query. Returns the query without the signature. InvalidInput for everything that is not
  // a fresh URL signed for this host and path, and for one in which a parameter of ours stands
  // twice.
  Result<codec::Query> verify(std::string_view base, std::string_view query, WallTime now);

 private:
  static std::string signature_of(crypto::Hmac& mac,
                                  std::string_view base,
                                  const codec::Query& query,
                                  std::string_view issued,
                                  std::string_view expiry);

  std::vector<crypto::Hmac> macs_;
};

}  // namespace vallum::authenticate
