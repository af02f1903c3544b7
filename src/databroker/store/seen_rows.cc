#include "databroker/store/seen_rows.h"

#include <algorithm>
#include <utility>

namespace vallum::databroker {

RowPlace SeenRows::place_of(const crypto::BlindId& id, const Row& row) const {
  return {.id = id, .type = types_[row.type], .version = row.version, .is_deleted = row.is_deleted};
}

std::uint32_t SeenRows::number_of(const TypeTag& type) {
  const auto [found, is_new] =
      type_numbers_.try_emplace(type, static_cast<std::uint32_t>(types_.size()));
  if (is_new) {
    types_.push_back(type);
  }
  return found->second;
}

std::optional<RowPlace> SeenRows::find(const crypto::BlindId& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? std::nullopt : std::optional(place_of(id, found->second));
}

void SeenRows::put(const RowPlace& place) {
  const auto [found, is_new] = rows_.try_emplace(place.id);
  Row& row = found->second;
  if (!is_new) {
    sum_.toggle(seal_.row_term(place_of(place.id, row)));
    if (row.is_deleted) {
      tombstones_.erase(row.version);
    }
  }
  row = {.version = place.version, .type = number_of(place.type), .is_deleted = place.is_deleted};
  sum_.toggle(seal_.row_term(place));
  if (place.is_deleted) {
    tombstones_.emplace(place.version, place.id);
  }
}

RowSum SeenRows::sum_without_tombstones(std::uint64_t up_to) const {
  RowSum sum = sum_;
  for (const auto& [version, id] : tombstones_) {
    if (version > up_to) {
      break;
    }
    const auto row = rows_.find(id);
    sum.toggle(seal_.row_term(place_of(id, row->second)));
  }
  return sum;
}

void SeenRows::drop_tombstones(std::uint64_t up_to) {
  const auto end = tombstones_.upper_bound(up_to);
  for (auto at = tombstones_.begin(); at != end; ++at) {
    const auto row = rows_.find(at->second);
    sum_.toggle(seal_.row_term(place_of(row->first, row->second)));
    rows_.erase(row);
  }
  tombstones_.erase(tombstones_.begin(), end);
}

void SeenRows::replace_by(SeenRows&& other) {
  rows_ = std::move(other.rows_);
  tombstones_ = std::move(other.tombstones_);
  type_numbers_ = std::move(other.type_numbers_);
  types_ = std::move(other.types_);
  sum_ = other.sum_;
}

bool SeenRows::may_become(const StoreState& state,
                          const SeenRows& now,
                          const StoreState& now_state) const {
  if (now_state.latest_version < state.latest_version ||
      now_state.pruned_version < state.pruned_version) {
    return false;
  }
  return std::ranges::all_of(rows_, [&](const auto& entry) {
    const auto& [id, row] = entry;
    const auto found = now.rows_.find(id);
    if (found != now.rows_.end()) {
      return found->second.version >= row.version;
    }
    // Gone: pruned as the tombstone it is, or as one that was made after we looked.
    const std::uint64_t tombstone = row.is_deleted ? row.version : state.latest_version + 1;
    return tombstone <= now_state.pruned_version;
  });
}

}  // namespace vallum::databroker
