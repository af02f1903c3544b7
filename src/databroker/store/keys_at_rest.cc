#include "databroker/store/keys_at_rest.h"

#include <algorithm>
#include <string>

namespace vallum::databroker {

Result<crypto::KeyRing> unwrap_ring(const crypto::KeyEncryptionKeys& keys,
                                    std::string_view deployment,
                                    ByteView wrapped) {
  auto ring = crypto::KeyRing::unwrap(keys, deployment, wrapped);
  if (ring) {
    return ring;
  }
  const auto wanted = crypto::KeyRing::wrapped_by(wrapped);
  if (ring.error().kind() == ErrorKind::NotFound && wanted) {
    return fail(ErrorKind::InvalidInput,
                "its data keys are wrapped by key-encryption key " + crypto::key_id_text(*wanted) +
                    ", and only " + keys.ids_text() +
                    " are configured: it was made or rewrapped under another shared_secret or "
                    "databroker_encryption_keys. Put that key back, behind the first of its list, "
                    "and run 'vallum keys rewrap' before you remove it; nothing was changed");
  }
  if (!wanted) {
    return fail(ErrorKind::InvalidInput,
                "its data keys were made under another shared_secret, or were altered. Put the "
                "shared_secret back that it was made with; nothing was changed");
  }
  return fail(ErrorKind::InvalidInput,
              "its wrapped data keys (note 'keys') were altered, or are those of another store: "
              "restore them from a backup; nothing was changed");
}

void count_rows(KeyFacts& facts, ByteView mark, std::uint64_t rows) {
  const auto key = std::ranges::find_if(facts.data_keys, [&](const KeyFacts::Key& candidate) {
    return std::ranges::equal(crypto::data_key_mark(candidate.id), mark);
  });
  (key == facts.data_keys.end() ? facts.rows_without_key : key->rows) += rows;
}

KeyFacts facts_of(const crypto::KeyRing& ring,
                  ByteView wrapped,
                  const crypto::KeyEncryptionKeys& keys) {
  KeyFacts facts;
  for (const crypto::RingKey& key : ring.data_keys()) {
    facts.data_keys.push_back(
        {.id = key.id, .made_at = key.made_at, .seals = facts.data_keys.empty(), .rows = 0});
  }
  facts.wrapped_by = crypto::KeyRing::wrapped_by(wrapped);
  facts.active = keys.active_id();
  return facts;
}

}  // namespace vallum::databroker
