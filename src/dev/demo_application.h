#pragma once

#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"
#include "crypto/jose/jwk.h"
#include "dev/development_mode.h"
#include "http/message.h"

namespace vallum::dev {

// An application behind the proxy: shows who it was told is asking, checks the assertion as an
// application should, and lists every header it received.
class DemoApplication {
 public:
  // `keys`: what Vallum publishes under /.well-known/pomerium/jwks.json. `clock` and `entropy` must
  // outlive the application.
  DemoApplication(DevelopmentMode mode, crypto::JwkSet keys, const Clock& clock, Entropy& entropy);

  // HTML, or JSON for whoever prefers it.
  http::Response handle(const http::Request& request);

  // What an application does with the assertion: signature, audience and time. Returns the claims.
  Result<codec::Node> verify_assertion(std::string_view assertion, std::string_view host) const;

 private:
  http::Response as_page(const http::Request& request, const Result<codec::Node>& claims);
  http::Response as_json(const http::Request& request, const Result<codec::Node>& claims) const;

  crypto::JwkSet keys_;
  const Clock& clock_;
  Entropy& entropy_;
};

}  // namespace vallum::dev
