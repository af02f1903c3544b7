#pragma once

#include <string>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "config/environment.h"
#include "config/files.h"
#include "config/settings.h"
#include "databroker/rpc/record_client.h"

namespace vallum::recordtools {

// How the operator says which databroker is meant; "" for what was not given.
struct WrittenConnection {
  std::string config = {};
  std::string address = {};
  std::string shared_secret_file = {};
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};
  std::string server_name = {};
  bool insecure = false;
};

// What a configuration does not say itself: where its shared secret is, and what certificates are
// derived with.
struct Surroundings {
  const config::Environment& environment;
  const config::Files& files;
  const Clock& clock;
  Entropy& entropy;
};

// How to reach it. `settings` are those of `written.config`, null without one. InvalidInput, naming
// the option that is missing or wrong.
Result<databroker::RecordClientOptions> find_databroker(const WrittenConnection& written,
                                                        const config::Settings* settings,
                                                        const Surroundings& around);

}  // namespace vallum::recordtools
