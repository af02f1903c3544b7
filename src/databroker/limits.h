#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::databroker {

struct Limits {
  // A longer type, id or value, or a bigger batch: InvalidInput.
  std::size_t type_bytes_max = 256;
  std::size_t id_bytes_max = 1024;
  std::size_t value_bytes_max = 1U << 20;
  std::size_t batch_writes_max = 1024;
  std::size_t batch_bytes_max = 4U << 20;
  // Records one call reads: InvalidInput above.
  std::size_t read_records_max = 1024;
  std::size_t indexable_fields_max = 16;
  // Records a query reads that cannot use an index, and bytes it returns: ResourceExhausted above.
  std::size_t scan_records_max = 16384;
  std::size_t answer_bytes_max = 3U << 20;
  // A longer lease, or one that ends at once: InvalidInput.
  Duration lease_max = std::chrono::hours(24);
  // Batches that wait to be written, their bytes, and reads of one core in flight:
  // ResourceExhausted above.
  std::size_t pending_batches_max = 4096;
  std::size_t pending_bytes_max = 64U << 20;
  std::size_t reads_per_core_max = 1024;
  // Batches made durable by one sync of the disk, and their bytes, which one batch alone may
  // exceed; the rest wait for the next. Four batches of the largest kind, or thousands of sessions.
  std::size_t commit_batches_max = 256;
  std::size_t commit_bytes_max = 16U << 20;
  // Changes posted to a subscriber's core that it has not seen yet. Above, it gets one Resync
  // instead.
  std::size_t feed_changes_max = 4096;
  // A tombstone is kept this long, so that a reader that was away for less misses nothing.
  Duration tombstone_retention = std::chrono::hours(1);
};

}  // namespace vallum::databroker
