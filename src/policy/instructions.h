#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/criterion.h"
#include "policy/reasons.h"
#include "policy/schedule.h"
#include "policy/syntax.h"
#include "policy/time_zone.h"
#include "policy/value.h"

// What a Program is made of: arrays that refer to each other by index. Only the compiler writes
// them and only decide() reads them.
namespace vallum::policy {

struct IndexRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

template <class T>
std::span<const T> slice(const std::vector<T>& all, IndexRange range) {
  return std::span(all).subspan(range.first, range.count);
}

// Finds one of many values in constant time: open addressing over slots that hold a value's index
// plus one, 0 when free. As many slots as a power of two that leaves half of them free.
struct ValueSet {
  IndexRange slots;
};

struct FlatCondition {
  Comparison comparison = Comparison::Is;
  // Of a value; of a set for In, NotIn and HasAny.
  std::uint32_t operand = 0;
  // Of the value, to tell most strings apart without looking at them.
  std::uint32_t hash = 0;
};

// How many criteria of a program may have a note.
inline constexpr std::size_t kNotesMax = 255;

struct FlatCriterion {
  CriterionKind kind = CriterionKind::Reject;
  // Equal criteria share a note, 1 to kNotesMax, where a decision keeps their answer. 0:
  // the criterion stands there once, or is not worth it.
  std::uint8_t note = 0;
  IndexRange conditions;
  // By kind: a claim name; a certificate, device, date, time or record matcher; ranges of
  // addresses; a set of keys. The days themselves for day_of_week.
  std::uint32_t detail = 0;
};

struct FlatBlock {
  Logic logic = Logic::Or;
  // Whether the reasons below are all that the block can say when it is false.
  bool has_plain_reasons = true;
  IndexRange criteria;
  // With a session, and without.
  ReasonSet false_reasons;
  ReasonSet false_reasons_anonymous;
};

// An address as a number; families are ordered one after the other and never mix.
struct AddressKey {
  bool is_v6 = false;
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const AddressKey&) const = default;
};

AddressKey address_key(const IpAddress& address);

// Both ends belong to it.
struct AddressRange {
  AddressKey first;
  AddressKey last;
};

struct FlatClaimName {
  std::string_view name;
  std::string_view folded;  // "" when there is nothing to fall back to
};

struct FlatCertificateMatcher {
  bool any_fingerprint = true;
  bool any_spki_hash = true;
  IndexRange fingerprints;
  IndexRange spki_hashes;
  IndexRange san_email;  // conditions
  IndexRange san_dns;
  IndexRange san_uri;
};

enum class Approval : std::uint8_t { Any, Approved, NotApproved };

struct FlatDeviceMatcher {
  bool any_credential = true;
  std::string_view is;
  std::string_view type;
  Approval approval = Approval::Any;
  bool holds_without_device = false;
};

struct FlatTimeOfDay {
  std::uint32_t zone = 0;
  Duration after{};
  Duration before{};
};

enum class Existence : std::uint8_t { NotAsked, Exists, Missing };

struct FlatRecordMatcher {
  std::uint32_t type = 0;  // of record_types
  std::string_view field;  // "": the record as a whole
  Existence existence = Existence::NotAsked;
  IndexRange conditions;
};

struct Instructions {
  std::vector<char> text;  // all strings below point into it
  std::vector<Value> values;
  std::vector<ValueSet> sets;
  std::vector<std::uint32_t> slots;
  std::vector<FlatCondition> conditions;
  std::vector<FlatCriterion> criteria;
  std::vector<FlatBlock> allow;
  std::vector<FlatBlock> deny;
  std::vector<FlatClaimName> claims;
  std::vector<AddressRange> addresses;    // within one criterion: sorted, not touching
  std::vector<IndexRange> address_lists;  // into addresses
  std::vector<Digest> digests;
  std::vector<FlatCertificateMatcher> certificates;
  std::vector<FlatDeviceMatcher> devices;
  std::vector<DateMatcher> dates;
  std::vector<TimeZone> zones;
  std::vector<FlatTimeOfDay> times;
  std::vector<std::string_view> record_types;
  std::vector<FlatRecordMatcher> records;
  bool ssh_ca_as_reference = false;
  // Whether each condition on alternative names may be met by another name.
  bool san_conditions_apart = false;
  // Whether so many criteria look through the user's groups that a filter in front pays.
  bool filter_groups = false;
};

}  // namespace vallum::policy
