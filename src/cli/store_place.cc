#include "cli/store_place.h"

#include <utility>

#include "config/state_directory.h"

namespace vallum::cli {

Result<StorePlace> find_store(config::Settings& settings) {
  std::string directory = settings.storage.directory;
  const bool is_file = settings.storage.type == config::StorageType::File;
  if ((is_file && directory.empty()) || !settings.shared_secret) {
    TRY(const std::string state, config::find_state_directory(config::Environment::of_process()));
    if (is_file && directory.empty()) {
      directory = state;
    }
    if (!settings.shared_secret) {
      TRY(settings.shared_secret, config::load_secret(state, "shared_secret"));
    }
  }
  return StorePlace{.directory = is_file ? std::move(directory) : std::string(),
                    .keys = crypto::KeyEncryptionKeys::of(settings.storage.encryption_keys,
                                                          settings.shared_secret)};
}

}  // namespace vallum::cli
