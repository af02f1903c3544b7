#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace vallum::session {

// What tells keys apart is at their end: the signature of a handle, the random bits of an id.
struct EndHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    constexpr std::size_t kBytesMax = 32;
    return std::hash<std::string_view>{}(
        text.substr(text.size() - std::min(text.size(), kBytesMax)));
  }
};

// Values by text, at most `max` of them: a new one pushes out the one that was not asked for
// longest. Values stay where they are until they are erased. Looking up never allocates.
template <class Value>
class LruTable {
 public:
  explicit LruTable(std::size_t max) : max_(max) { CHECK(max > 0); }
  LruTable(const LruTable&) = delete;
  LruTable& operator=(const LruTable&) = delete;

  // Null when there is none. Counts as use.
  Value* find(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      return nullptr;
    }
    by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return &found->second.value;
  }

  // Requires that the key is not there. `before_eviction(key, value)` sees what has to go.
  template <class BeforeEviction>
  Value& insert(std::string key, Value&& value, BeforeEviction&& before_eviction) {
    if (by_key_.size() >= max_) {
      const auto oldest = by_key_.find(std::string_view(*by_use_.back()));
      before_eviction(std::string_view(oldest->first), oldest->second.value);
      by_use_.pop_back();
      by_key_.erase(oldest);
    }
    const auto [at, is_new] = by_key_.try_emplace(std::move(key), std::move(value));
    DCHECK(is_new);
    by_use_.push_front(&at->first);
    at->second.place = by_use_.begin();
    return at->second.value;
  }

  void erase(std::string_view key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      by_use_.erase(found->second.place);
      by_key_.erase(found);
    }
  }
  void clear() {
    by_use_.clear();
    by_key_.clear();
  }
  std::size_t size() const { return by_key_.size(); }

 private:
  struct Slot {
    explicit Slot(Value initial) : value(std::move(initial)) {}
    Value value;
    std::list<const std::string*>::iterator place;
  };

  std::size_t max_;
  std::list<const std::string*> by_use_;  // the latest first
  std::unordered_map<std::string, Slot, EndHash, std::equal_to<>> by_key_;
};

}  // namespace vallum::session
