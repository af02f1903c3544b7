#pragma once

#include <cstdint>
#include <string>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/key_encryption_keys.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/postgres_connection.h"

namespace vallum::databroker {

// The one schema this program touches.
inline constexpr const char* kPostgresSchema = "vallum";
// The advisory lock of a database under which versions are handed out and tables are changed.
inline constexpr const char* kPostgresLock = "SELECT pg_advisory_xact_lock(8530213963461427712)";

// What the data set says about itself.
struct PostgresTables {
  std::string deployment;
  RowSeal seal;
  Bytes wrapped_keys;  // what the seal's came from
};

// The version of the tables as text, as the note "schema" has it.
std::string postgres_schema_version();

// Makes the tables when there are none, brings them to this version, all in one transaction under
// the lock, and unwraps the keys. Fails with InvalidInput, naming the cause and the cure, when the
// schema is not ours, is of a newer version, or its data keys are wrapped under none of
// `keys`; then nothing was written. Unavailable when the database does not answer.
Result<PostgresTables> open_postgres_tables(PostgresConnection& connection,
                                            const crypto::KeyEncryptionKeys& keys,
                                            WallTime now,
                                            Entropy& entropy);

// Takes back an open transaction, if there is one. A lost connection has taken it back itself.
void roll_back(PostgresConnection& connection);

}  // namespace vallum::databroker
