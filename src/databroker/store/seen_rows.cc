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
    live_.push_back(0);
  }
  return found->second;
}

std::optional<RowPlace> SeenRows::find(const crypto::BlindId& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? std::nullopt : std::optional(place_of(id, found->second));
}

RowSum SeenRows::terms_of(const crypto::BlindId& id, const Row& row) const {
  RowSum terms;
  terms.toggle(seal_.row_term(place_of(id, row)));
  if (const auto entries = entries_.find(id); entries != entries_.end()) {
    terms.toggle(entries->second);
  }
  return terms;
}

RowSum SeenRows::terms_of(const crypto::BlindId& id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? RowSum() : terms_of(id, found->second);
}

std::uint64_t SeenRows::live(const TypeTag& type) const {
  const auto number = type_numbers_.find(type);
  return number == type_numbers_.end() ? 0 : live_[number->second];
}

std::vector<TypeTag> SeenRows::live_types() const {
  std::vector<TypeTag> types;
  for (std::size_t number = 0; number < types_.size(); ++number) {
    if (live_[number] > 0) {
      types.push_back(types_[number]);
    }
  }
  return types;
}

void SeenRows::put(const RowPlace& place, const RowSum& entries) {
  const auto [found, is_new] = rows_.try_emplace(place.id);
  Row& row = found->second;
  if (!is_new) {
    sum_.toggle(terms_of(place.id, row));
    if (row.is_deleted) {
      tombstones_.erase(row.version);
    } else {
      --live_[row.type];
    }
  }
  row = {.version = place.version, .type = number_of(place.type), .is_deleted = place.is_deleted};
  if (entries == RowSum()) {
    entries_.erase(place.id);
  } else {
    entries_.insert_or_assign(place.id, entries);
  }
  sum_.toggle(terms_of(place.id, row));
  if (place.is_deleted) {
    tombstones_.emplace(place.version, place.id);
  } else {
    ++live_[row.type];
  }
}

RowSum SeenRows::sum_without_tombstones(std::uint64_t up_to) const {
  RowSum sum = sum_;
  for (const auto& [version, id] : tombstones_) {
    if (version > up_to) {
      break;
    }
    sum.toggle(terms_of(id));
  }
  return sum;
}

void SeenRows::drop_tombstones(std::uint64_t up_to) {
  const auto end = tombstones_.upper_bound(up_to);
  for (auto at = tombstones_.begin(); at != end; ++at) {
    sum_.toggle(terms_of(at->second));
    rows_.erase(at->second);
    entries_.erase(at->second);
  }
  tombstones_.erase(tombstones_.begin(), end);
}

void SeenRows::replace_by(SeenRows&& other) {
  rows_ = std::move(other.rows_);
  entries_ = std::move(other.entries_);
  tombstones_ = std::move(other.tombstones_);
  type_numbers_ = std::move(other.type_numbers_);
  types_ = std::move(other.types_);
  live_ = std::move(other.live_);
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
