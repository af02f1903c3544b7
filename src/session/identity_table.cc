#include "session/identity_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "session/lru_table.h"

namespace vallum::session {

std::string_view IdentityTable::Slot::key(Index index) const {
  if (index == Index::Session) {
    return session_id();
  }
  if (known.identity == nullptr) {
    return {};
  }
  return index == Index::User ? known.identity->user_id() : known.identity->user_email();
}

IdentityTable::IdentityTable(std::size_t max) : max_(max), mask_(std::bit_ceil(max) - 1) {
  CHECK(max > 0 && max <= std::size_t{1} << 31U);
  session_heads_.resize(mask_ + 1);
  for (const Index index : {Index::User, Index::Email}) {
    heads_[static_cast<std::size_t>(index)].assign(mask_ + 1, kNone);
  }
}

IdentityTable::SessionHead& IdentityTable::session_head(std::string_view session_id) {
  return session_heads_[EndHash()(session_id) & mask_];
}

IdentityTable::Number IdentityTable::first(Index index, std::string_view key) {
  return index == Index::Session ? session_head(key).first
                                 : heads_[static_cast<std::size_t>(index)][EndHash()(key) & mask_];
}

void IdentityTable::set_first(Index index, std::string_view key, Number number) {
  if (index != Index::Session) {
    heads_[static_cast<std::size_t>(index)][EndHash()(key) & mask_] = number;
    return;
  }
  session_head(key) = {.identity = number == kNone ? nullptr : slot(number).known.identity.get(),
                       .first = number};
}

IdentityTable::Number IdentityTable::find_number(std::string_view session_id) {
  const SessionHead& head = session_head(session_id);
  __builtin_prefetch(head.identity);
  Number at = head.first;
  while (at != kNone && slot(at).session_id() != session_id) {
    at = slot(at).links[0].next;
  }
  return at;
}

const KnownIdentity* IdentityTable::find(std::string_view session_id) {
  const Number at = find_number(session_id);
  if (at == kNone) {
    return nullptr;
  }
  Slot& found = slot(at);
  found.was_asked = true;
  return &found.known;
}

void IdentityTable::put(std::string_view session_id, KnownIdentity known) {
  erase(session_id);
  const Number number = take();
  Slot& taken = slot(number);
  taken.was_asked = false;
  taken.known = std::move(known);
  if (session_id.size() <= Slot::kIdMax) {
    std::ranges::copy(session_id, taken.id.begin());
    taken.id_size = static_cast<std::uint8_t>(session_id.size());
  } else {
    taken.long_id = std::make_unique<const std::string>(session_id);
  }
  for (const Index index : {Index::Session, Index::User, Index::Email}) {
    link(index, number);
  }
  ++size_;
}

void IdentityTable::erase(std::string_view session_id) {
  if (const Number at = find_number(session_id); at != kNone) {
    erase(at);
  }
}

void IdentityTable::erase_user(std::string_view user_id, std::uint64_t version) {
  erase_all(Index::User, user_id, version);
}

void IdentityTable::erase_email(std::string_view email, std::uint64_t version) {
  erase_all(Index::Email, email, version);
}

void IdentityTable::clear() {
  std::ranges::fill(session_heads_, SessionHead());
  for (std::vector<Number>& heads : heads_) {
    std::ranges::fill(heads, kNone);
  }
  chunks_.clear();
  size_ = 0;
  slots_ = 0;
  free_ = kNone;
  hand_ = 0;
}

IdentityTable::Number IdentityTable::take() {
  if (free_ == kNone && slots_ == max_) {
    // Ends: a slot that was passed over is taken the next time round.
    while (std::exchange(slot(hand_).was_asked, false)) {
      hand_ = static_cast<Number>((hand_ + 1) % slots_);
    }
    const Number oldest = hand_;
    hand_ = static_cast<Number>((hand_ + 1) % slots_);
    erase(oldest);
  }
  if (free_ != kNone) {
    return std::exchange(free_, slot(free_).links[0].next);
  }
  if (slots_ % kChunk == 0) {
    chunks_.push_back(std::make_unique<std::array<Slot, kChunk>>());
  }
  return static_cast<Number>(slots_++);
}

void IdentityTable::link(Index index, Number number) {
  const std::string_view key = slot(number).key(index);
  const auto at = static_cast<std::size_t>(index);
  Link& own = slot(number).links[at];
  own = {};
  if (key.empty() && index != Index::Session) {
    return;
  }
  own.next = first(index, key);
  if (own.next != kNone) {
    slot(own.next).links[at].previous = number;
  }
  set_first(index, key, number);
}

void IdentityTable::unlink(Index index, Number number) {
  const std::string_view key = slot(number).key(index);
  if (key.empty() && index != Index::Session) {
    return;
  }
  const auto at = static_cast<std::size_t>(index);
  const Link own = slot(number).links[at];
  if (own.next != kNone) {
    slot(own.next).links[at].previous = own.previous;
  }
  if (own.previous != kNone) {
    slot(own.previous).links[at].next = own.next;
  } else {
    set_first(index, key, own.next);
  }
}

void IdentityTable::erase(Number number) {
  for (const Index index : {Index::Session, Index::User, Index::Email}) {
    unlink(index, number);
  }
  Slot& erased = slot(number);
  erased.was_asked = false;
  erased.known = {};
  erased.long_id.reset();
  erased.links[0].next = std::exchange(free_, number);
  --size_;
}

void IdentityTable::erase_all(Index index, std::string_view key, std::uint64_t version) {
  Number at = first(index, key);
  while (at != kNone) {
    const Slot& candidate = slot(at);
    const Number next = candidate.links[static_cast<std::size_t>(index)].next;
    if (candidate.key(index) == key && candidate.known.as_of.latest_version < version) {
      erase(at);
    }
    at = next;
  }
}

}  // namespace vallum::session
