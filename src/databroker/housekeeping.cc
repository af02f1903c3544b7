#include "databroker/housekeeping.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace vallum::databroker {
namespace {

constexpr std::size_t kDeletionsMax = 512;

// Only as it was read: a record that was just written again stays.
Write remove_as_read(const Record& record) {
  return Write::remove(record.key()).if_version(record.version);
}

}  // namespace

Result<void> Housekeeping::begin() {
  TRY_OK(reload());
  for (const auto& [type, options] : built_in_options()) {
    if (!options_.contains(type)) {
      TRY_OK(store_.set_options(type, options));
    }
  }
  TRY_OK(reload());
  has_begun_ = true;
  return {};
}

void Housekeeping::begin_anew() {
  options_.clear();
  has_begun_ = begin().has_value();
}

Result<void> Housekeeping::reload() {
  TRY(options_, store_.options());
  return {};
}

Result<Batch> Housekeeping::surplus(std::string_view type, const TypeOptions& options) {
  Batch batch;
  if (!options.capacity) {
    return batch;
  }
  TRY(const std::uint64_t count, store_.count(type));
  if (count <= *options.capacity) {
    return batch;
  }
  const auto surplus =
      static_cast<std::size_t>(std::min<std::uint64_t>(count - *options.capacity, kDeletionsMax));
  TRY(const auto oldest, store_.list(type, {.after_version = 0, .records_max = surplus}));
  for (const Record& record : oldest) {
    batch.push_back(remove_as_read(record));
  }
  return batch;
}

Result<Batch> Housekeeping::expired(std::string_view type,
                                    const TypeOptions& options,
                                    WallTime now) {
  Batch batch;
  if (!options.ttl) {
    return batch;
  }
  // Versions and times grow together, so what is too old comes first.
  TRY(const auto oldest, store_.list(type, {.after_version = 0, .records_max = kDeletionsMax}));
  for (const Record& record : oldest) {
    if (record.modified_at < now - *options.ttl) {
      batch.push_back(remove_as_read(record));
    }
  }
  return batch;
}

void Housekeeping::make_room(std::vector<BatchOutcome>& outcomes, WallTime now) {
  if (!has_begun_ && !begin()) {
    return;
  }
  std::set<std::string> touched;
  for (const BatchOutcome& outcome : outcomes) {
    if (!outcome) {
      continue;
    }
    for (const Record& record : *outcome) {
      const auto found = options_.find(record.type);
      if (found != options_.end() && found->second.capacity && !record.is_deleted()) {
        touched.insert(record.type);
      }
    }
  }
  std::vector<Batch> batches;
  for (const std::string& type : touched) {
    if (auto batch = surplus(type, options_.find(type)->second); batch && !batch->empty()) {
      batches.push_back(*std::move(batch));
    }
  }
  if (batches.empty()) {
    return;
  }
  if (auto evicted = store_.commit(std::move(batches), now)) {
    std::ranges::move(*evicted, std::back_inserter(outcomes));
  }
}

Result<std::vector<BatchOutcome>> Housekeeping::sweep(WallTime now) {
  TRY_OK(has_begun_ ? reload() : begin());
  std::vector<Batch> batches;
  for (const auto& [type, options] : options_) {
    TRY(auto too_many, surplus(type, options));
    if (too_many.empty()) {
      TRY(too_many, expired(type, options, now));
    }
    if (!too_many.empty()) {
      batches.push_back(std::move(too_many));
    }
  }
  if (batches.empty()) {
    return std::vector<BatchOutcome>();
  }
  return store_.commit(std::move(batches), now);
}

}  // namespace vallum::databroker
