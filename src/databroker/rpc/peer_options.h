#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/settings.h"
#include "databroker/rpc/record_client.h"
#include "rpc/server.h"

// How the processes of one deployment reach each other, by their configuration
// (docs/split_services.md).
namespace vallum::databroker {

// Who calls.
struct CallerIdentity {
  const Secret& shared_secret;
  std::string_view service;
  WallTime now;
};

// As which service a process calls: the one of its services that may do most.
std::string_view service_of(const config::Settings& settings);

// With what a process shows who it is, and whom it trusts: certificates of the configuration, and
// derived ones with tls_derive. The address is the caller's to fill in.
Result<RecordClientOptions> caller_options(const config::Settings& settings,
                                           const CallerIdentity& caller,
                                           Entropy& entropy);

// For each databroker that the configuration names.
Result<std::vector<RecordClientOptions>> databrokers_of(const config::Settings& settings,
                                                        const CallerIdentity& caller,
                                                        Entropy& entropy);

// What a listener is for.
struct ServedOn {
  bool records = false;
  bool decisions = false;
};

// What the gRPC listener shows, and of whom it asks for a certificate: of the callers of each
// service it serves. With tls_derive the configuration's shared secret is there. InvalidInput when
// the configuration has no certificate.
Result<rpc::Certificate> listener_certificate(const config::Settings& settings,
                                              ServedOn served,
                                              WallTime now,
                                              Entropy& entropy);

}  // namespace vallum::databroker
