#include "cli/keys.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/entropy.h"
#include "base/time.h"
#include "cli/answer.h"
#include "cli/remote_keys.h"
#include "cli/store_place.h"
#include "crypto/secret_memory.h"
#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_file.h"
#include "databroker/store/sqlite_store.h"
#include "telemetry/line_writer.h"
#include "telemetry/log.h"
#include "telemetry/timestamp.h"

namespace vallum::cli {

namespace {

using Use = std::function<Result<void>(databroker::KeysAtRest&)>;

Result<void> with_file(const StorePlace& place, const Use& use) {
  const std::string path = place.directory + "/vallum.db";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return fail(ErrorKind::NotFound,
                path +
                    ": there is no store; run this as the user of the server, and with its "
                    "environment");
  }
  if (const auto lock = databroker::DirectoryLock::take(place.directory); !lock) {
    if (lock.error().kind() != ErrorKind::Unavailable) {
      return fail(lock.error());
    }
    RemoteKeys remote(place.directory + "/vallum.sock");
    return use(remote);
  }
  SystemEntropy entropy;
  TRY(const auto store,
      databroker::SqliteStore::open({.directory = place.directory}, place.keys, entropy));
  return use(*store->keys_at_rest());
}

Result<void> with_database(const config::Settings& settings,
                           const StorePlace& place,
                           const Use& use) {
  const SystemClock clock;
  SystemEntropy entropy;
  telemetry::FileLineSink sink(fileno(stderr));
  const telemetry::LogFilter filter(telemetry::LogLevel::Warn);
  telemetry::Log log(sink, clock, filter, "databroker");
  TRY(const auto store,
      databroker::PostgresStore::open({.address = settings.storage.database,
                                       .keys = place.keys,
                                       .clock = clock,
                                       .entropy = entropy,
                                       .log = log}));
  return use(*store->keys_at_rest());
}

std::string age_text(std::optional<WallTime> made_at) {
  return made_at ? std::string(telemetry::TimestampWriter().format(*made_at)) : "unknown";
}

}  // namespace

Result<void> with_keys(const std::string& config_file, const Use& use) {
  crypto::protect_secrets();
  TRY(config::Settings settings, load_settings(config_file));
  if (settings.storage.type == config::StorageType::Memory) {
    return fail(ErrorKind::InvalidInput,
                "databroker_storage_type: memory keeps nothing at rest, so there are no keys");
  }
  TRY(const StorePlace place, find_store(settings));
  return settings.storage.type == config::StorageType::File ? with_file(place, use)
                                                            : with_database(settings, place, use);
}

std::string key_facts_text(const databroker::KeyFacts& facts) {
  std::string text = "data key          state    made                      records\n";
  for (const databroker::KeyFacts::Key& key : facts.data_keys) {
    text += to_hex(crypto::data_key_mark(key.id));
    text += key.seals ? "  active   " : "  retiring ";
    std::string made = age_text(key.made_at);
    made.resize(26, ' ');
    text += made + std::to_string(key.rows) + "\n";
  }
  text += "wrapped by key-encryption key " +
          (facts.wrapped_by ? crypto::key_id_text(*facts.wrapped_by)
                            : std::string("of the shared secret")) +
          "\n";
  if (facts.wrapped_by != facts.active) {
    text += "the active key-encryption key is " + crypto::key_id_text(facts.active) +
            ": run 'vallum keys rewrap' once every node has it\n";
  }
  if (facts.is_rotating()) {
    text += "a rotation is not done: run 'vallum keys rotate' to go on with it\n";
  }
  if (facts.rows_without_key > 0) {
    text += std::to_string(facts.rows_without_key) +
            " records are under a key that is not here: they were put back from elsewhere\n";
  }
  return text;
}

}  // namespace vallum::cli
