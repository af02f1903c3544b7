#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/entropy.h"
#include "crypto/key_encryption_keys.h"
#include "databroker/store/keys_at_rest.h"
#include "databroker/store/sqlite_file.h"

namespace vallum::databroker {

// The keys of a store file. Works between the transactions of SqliteStore, on the same thread.
class SqliteKeys final : public KeysAtRest {
 public:
  // File and entropy outlive it.
  SqliteKeys(SqliteFile& file, crypto::KeyEncryptionKeys keys, Entropy& entropy)
      : file_(file), keys_(std::move(keys)), entropy_(entropy) {}

  Result<KeyFacts> facts() override;
  Result<bool> begin_rotation(WallTime now) override;
  Result<Step> reseal() override;
  Result<bool> rewrap() override;

 private:
  // Runs `change` in a transaction: all of it or nothing, here and in the file.
  Result<void> transact(const std::function<Result<void>()>& change);
  void use_ring(crypto::KeyRing ring);
  // The ring in use, and the head under it.
  Result<void> write_ring();
  Result<void> reseal_notes();
  Result<std::size_t> reseal_some();
  Result<void> retire();
  Result<bool> is_all_resealed();

  SqliteFile& file_;
  crypto::KeyEncryptionKeys keys_;
  Entropy& entropy_;
  std::uint64_t resealed_up_to_ = 0;  // by version, of the rotation under way
};

}  // namespace vallum::databroker
