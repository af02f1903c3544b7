#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/snapshot.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "tls/openssl_handles.h"

namespace vallum::tls {

// Certificate authorities to trust. Immutable; loaded once and shared, because the system's take
// milliseconds and a megabyte.
class TrustRoots {
 public:
  // The first of the well-known system bundles that exists, and `extra_pem`. Without a system
  // bundle only the extra ones count, and `warnings` says so; with neither nothing is trusted.
  static Result<async::Snapshot<TrustRoots>> system(std::string_view extra_pem,
                                                    std::vector<std::string>* warnings);
  // These and no others. Fails when there is none, or one cannot be decoded.
  static Result<async::Snapshot<TrustRoots>> only(std::string_view pem);

  TrustRoots(TrustRoots&&) noexcept = default;

  // For this module.
  x509_store_st* native() const { return store_.get(); }
  // Of everything that was loaded.
  const crypto::Digest256& digest() const { return digest_; }

 private:
  TrustRoots(Ssl<x509_store_st> store, crypto::Digest256 digest);

  Ssl<x509_store_st> store_;
  crypto::Digest256 digest_;
};

enum class Verify : std::uint8_t {
  ChainAndName,
  Nothing,  // the operator said so: tls_skip_verify
};

// How we speak TLS to servers that one set of rules vouches for. Immutable, any core.
class ClientContext {
 public:
  struct Options {
    async::Snapshot<TrustRoots> roots;
    Verify verify = Verify::ChainAndName;
    std::vector<std::string> protocols = {"http/1.1"};
  };
  static Result<async::Snapshot<ClientContext>> make(Options options);

  ClientContext(ClientContext&&) noexcept = default;

  Verify verify() const { return options_.verify; }
  // For this module. A session is resumed only by a context that trusts the same authorities for
  // the same name.
  std::string session_key(std::string_view server_name) const;
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  ClientContext(Options options, Ssl<ssl_ctx_st> context)
      : options_(std::move(options)), context_(std::move(context)) {}

  Options options_;
  Ssl<ssl_ctx_st> context_;
};

}  // namespace vallum::tls
