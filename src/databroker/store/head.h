#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// What a persistent store notes about itself, sealed under "head" in every transaction.
struct Head {
  StoreState state;
  RowSum sum;

  bool operator==(const Head&) const = default;
};

Bytes seal_head(RowSeal& seal, const Head& head);
// Internal when the bytes are not a head that was sealed with these keys.
Result<Head> open_head(RowSeal& seal, ByteView sealed);

}  // namespace vallum::databroker
