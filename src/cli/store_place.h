#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "crypto/key_encryption_keys.h"

namespace vallum::cli {

// Where the server of a configuration, on this machine and as this user, keeps records, and what
// opens them.
struct StorePlace {
  std::string directory;  // of vallum.db; "" for a store that is not a file
  crypto::KeyEncryptionKeys keys;
};

// Takes the secret of the state directory where the configuration has none; makes nothing.
Result<StorePlace> find_store(config::Settings& settings);

}  // namespace vallum::cli
