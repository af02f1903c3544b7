#include "policy/assembler.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "policy/kind_reasons.h"

namespace vallum::policy {

namespace {

std::uint32_t index_of(std::size_t index) {
  // kCriteriaMax and the readers' limits keep every array far below this.
  CHECK(index < std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(index);
}

AddressRange range_of(const IpPrefix& prefix) {
  const AddressKey first = address_key(prefix.address());
  AddressRange range{.first = first, .last = first};
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  const unsigned width = first.is_v6 ? 128 : 32;
  const unsigned host_bits = width - prefix.bits();
  const unsigned low_bits = std::min(host_bits, 64U);
  const unsigned high_bits = host_bits - low_bits;
  range.last.low |= low_bits == 0 ? 0 : kAll >> (64 - low_bits);
  range.last.high |= high_bits == 0 ? 0 : kAll >> (64 - high_bits);
  return range;
}

}  // namespace

AddressKey address_key(const IpAddress& address) {
  const ByteView bytes = address.bytes();
  if (address.is_v4()) {
    return {.is_v6 = false, .high = 0, .low = load_be32(bytes.data())};
  }
  return {.is_v6 = true, .high = load_be64(bytes.data()), .low = load_be64(bytes.data() + 8)};
}

FlatBlock Assembler::add_block(Logic logic, std::span<const Criterion> criteria) {
  FlatBlock block{.logic = logic,
                  .criteria = {index_of(flat_.criteria.size()), index_of(criteria.size())},
                  .false_reasons = {},
                  .false_reasons_anonymous = {}};
  const bool inverted = logic == Logic::Not || logic == Logic::Nor;
  for (const Criterion& criterion : criteria) {
    add(flatten(criterion));
    group_criteria_ += criterion.kind == CriterionKind::Groups ? 1 : 0;
    const KindReasons& reasons = reasons_of(criterion.kind);
    const Reason when_false = inverted ? reasons.ok : reasons.not_ok;
    block.has_plain_reasons = block.has_plain_reasons && !reasons.is_special;
    block.false_reasons.insert(when_false);
    block.false_reasons_anonymous.insert(reasons.needs_session ? Reason::UserUnauthenticated
                                                               : when_false);
  }
  return block;
}

void Assembler::add(FlatCriterion criterion) {
  share_note(criterion);
  flat_.criteria.push_back(criterion);
}

// Rules of one route tend to repeat each other: a method, a group that all of them ask for.
void Assembler::share_note(FlatCriterion& criterion) {
  if (criterion.conditions.count != 1) {
    return;
  }
  const FlatCondition& condition = flat_.conditions[criterion.conditions.first];
  const auto [place, is_new] = questions_.try_emplace(
      Question(criterion.kind, criterion.detail, condition.comparison, condition.operand),
      index_of(flat_.criteria.size()));
  if (is_new) {
    return;
  }
  FlatCriterion& first = flat_.criteria[place->second];
  if (first.note == 0 && notes_ < kNotesMax) {
    first.note = ++notes_;
  }
  criterion.note = first.note;
}

FlatCriterion Assembler::flatten(const Criterion& criterion) {
  FlatCriterion flat{.kind = criterion.kind, .note = 0, .conditions = {}, .detail = 0};
  if (const auto* matcher = std::get_if<Matcher>(&criterion.data)) {
    flat.conditions = conditions(*matcher);
  } else if (const auto* claim_matcher = std::get_if<ClaimMatcher>(&criterion.data)) {
    flat.conditions = conditions(claim_matcher->matcher);
    flat.detail = claim(claim_matcher->claim);
  } else if (const auto* certificates = std::get_if<CertificateMatcher>(&criterion.data)) {
    flat.detail = certificate(*certificates);
  } else if (const auto* devices = std::get_if<DeviceMatcher>(&criterion.data)) {
    flat.detail = device(*devices);
  } else if (const auto* prefixes = std::get_if<Networks>(&criterion.data)) {
    flat.detail = networks(*prefixes);
  } else if (const auto* keys = std::get_if<SshKeys>(&criterion.data)) {
    flat.detail = set(*keys);
  } else if (const auto* name = std::get_if<ClaimName>(&criterion.data)) {
    flat.detail = claim(*name);
  } else if (const auto* dates = std::get_if<DateMatcher>(&criterion.data)) {
    flat.detail = date(*dates);
  } else if (const auto* days = std::get_if<DaySet>(&criterion.data)) {
    flat.detail = static_cast<std::uint32_t>(days->to_ulong());
  } else if (const auto* times = std::get_if<TimeOfDayMatcher>(&criterion.data)) {
    flat.detail = time_of_day(*times);
  } else if (const auto* records = std::get_if<RecordMatcher>(&criterion.data)) {
    flat.detail = record(*records);
  }
  return flat;
}

Assembler::TextId Assembler::text(std::string_view text) {
  const auto known = text_ids_.find(text);
  if (known != text_ids_.end()) {
    return known->second;
  }
  const TextId id = index_of(places_.size());
  places_.push_back({text_.size(), text.size()});
  text_.append(text);
  text_ids_.emplace(text, id);
  return id;
}

std::uint32_t Assembler::value(Value::Kind kind, std::string_view content) {
  const TextId id = text(content);
  const auto [place, is_new] = value_indexes_.try_emplace({kind, id}, index_of(values_.size()));
  if (is_new) {
    values_.push_back({kind, id});
  }
  return place->second;
}

std::uint32_t Assembler::set(std::span<const Constant> constants) {
  std::vector<std::uint32_t> members;
  members.reserve(constants.size());
  for (const Constant& constant : constants) {
    members.push_back(value(constant.kind, constant.text));
  }
  return set_of(members);
}

std::uint32_t Assembler::set(const SshKeys& keys) {
  std::vector<std::uint32_t> members;
  members.reserve(keys.size());
  for (const std::string& key : keys) {
    members.push_back(value(Value::Kind::String, key));
  }
  return set_of(members);
}

std::uint32_t Assembler::set_of(const std::vector<std::uint32_t>& values) {
  const std::size_t size = values.empty() ? 0 : std::bit_ceil(values.size() * 2);
  const std::size_t first = flat_.slots.size();
  flat_.slots.resize(first + size, 0);
  for (const std::uint32_t member : values) {
    std::size_t at = Value::hash_of(view(values_[member].text)) & (size - 1);
    while (flat_.slots[first + at] != 0 && flat_.slots[first + at] != member + 1) {
      at = (at + 1) & (size - 1);
    }
    flat_.slots[first + at] = member + 1;
  }
  flat_.sets.push_back({.slots = {index_of(first), index_of(size)}});
  return index_of(flat_.sets.size() - 1);
}

IndexRange Assembler::conditions(const Matcher& matcher) {
  const std::size_t first = flat_.conditions.size();
  for (const Condition& condition : matcher) {
    const bool many = condition.comparison == Comparison::In ||
                      condition.comparison == Comparison::NotIn ||
                      condition.comparison == Comparison::HasAny;
    CHECK(many || condition.operands.size() == 1);
    FlatCondition flat{.comparison = condition.comparison};
    if (many) {
      flat.operand = set(condition.operands);
    } else {
      const Constant& operand = condition.operands.front();
      flat.operand = value(operand.kind, operand.text);
      flat.hash = Value::hash_of(operand.text);
    }
    flat_.conditions.push_back(flat);
  }
  return {index_of(first), index_of(matcher.size())};
}

std::uint32_t Assembler::claim(const ClaimName& name) {
  const TextId exact = text(name.name);
  const TextId folded = text(name.folded);
  const auto [place, is_new] =
      claim_indexes_.try_emplace({exact, folded}, index_of(claims_.size()));
  if (is_new) {
    claims_.push_back({exact, folded});
  }
  return place->second;
}

std::uint32_t Assembler::networks(const Networks& networks) {
  std::vector<AddressRange> ranges;
  ranges.reserve(networks.size());
  for (const IpPrefix& prefix : networks) {
    ranges.push_back(range_of(prefix));
  }
  std::ranges::sort(ranges, {}, &AddressRange::first);
  const std::size_t first = flat_.addresses.size();
  for (const AddressRange& range : ranges) {
    const bool overlaps =
        flat_.addresses.size() > first && range.first <= flat_.addresses.back().last;
    if (overlaps) {
      flat_.addresses.back().last = std::max(flat_.addresses.back().last, range.last);
    } else {
      flat_.addresses.push_back(range);
    }
  }
  flat_.address_lists.push_back({index_of(first), index_of(flat_.addresses.size() - first)});
  return index_of(flat_.address_lists.size() - 1);
}

std::uint32_t Assembler::certificate(const CertificateMatcher& matcher) {
  FlatCertificateMatcher flat;
  flat.any_fingerprint = !matcher.fingerprints.has_value();
  flat.any_spki_hash = !matcher.spki_hashes.has_value();
  if (matcher.fingerprints) {
    flat.fingerprints = digests(*matcher.fingerprints);
  }
  if (matcher.spki_hashes) {
    flat.spki_hashes = digests(*matcher.spki_hashes);
  }
  flat.san_email = conditions(matcher.san_email);
  flat.san_dns = conditions(matcher.san_dns);
  flat.san_uri = conditions(matcher.san_uri);
  flat_.certificates.push_back(flat);
  return index_of(flat_.certificates.size() - 1);
}

IndexRange Assembler::digests(const std::vector<Digest>& digests) {
  const std::size_t first = flat_.digests.size();
  flat_.digests.insert(flat_.digests.end(), digests.begin(), digests.end());
  return {index_of(first), index_of(digests.size())};
}

std::uint32_t Assembler::device(const DeviceMatcher& matcher) {
  LooseDevice loose;
  loose.is = text(matcher.is.value_or(""));
  loose.type = text(matcher.type.value_or("any"));
  loose.matcher.any_credential = !matcher.is.has_value();
  if (matcher.approved) {
    loose.matcher.approval = *matcher.approved ? Approval::Approved : Approval::NotApproved;
  }
  loose.matcher.holds_without_device = options_.quirks == Quirks::AsReference && !matcher.is &&
                                       !matcher.type && !matcher.approved.value_or(false);
  devices_.push_back(loose);
  return index_of(devices_.size() - 1);
}

std::uint32_t Assembler::date(const DateMatcher& matcher) {
  flat_.dates.push_back(matcher);
  return index_of(flat_.dates.size() - 1);
}

std::uint32_t Assembler::time_of_day(const TimeOfDayMatcher& matcher) {
  flat_.times.push_back(
      {.zone = zone(matcher.zone), .after = matcher.after, .before = matcher.before});
  return index_of(flat_.times.size() - 1);
}

std::uint32_t Assembler::zone(const std::string& name) {
  const auto [place, is_new] = zone_indexes_.try_emplace(name, index_of(flat_.zones.size()));
  if (is_new) {
    std::optional<TimeZone> zone = TimeZone::find(name);
    // The check found it, and a zone that was found once stays.
    CHECK(zone.has_value());
    flat_.zones.push_back(*std::move(zone));
  }
  return place->second;
}

std::uint32_t Assembler::record(const RecordMatcher& matcher) {
  const TextId type = text(matcher.type);
  const auto [place, is_new] =
      record_type_indexes_.try_emplace(type, index_of(record_types_.size()));
  if (is_new) {
    record_types_.push_back(type);
  }
  LooseRecord loose{.matcher = {}, .field = text(matcher.field)};
  loose.matcher.type = place->second;
  loose.matcher.conditions = conditions(matcher.matcher);
  if (matcher.exists) {
    loose.matcher.existence = *matcher.exists ? Existence::Exists : Existence::Missing;
  }
  records_.push_back(loose);
  return index_of(records_.size() - 1);
}

std::string_view Assembler::view(TextId id) const {
  return std::string_view(text_).substr(places_[id].from, places_[id].size);
}

Instructions Assembler::finish() && {
  flat_.text.assign(text_.begin(), text_.end());
  const auto settled = [&](TextId id) {
    return std::string_view(flat_.text.data(), flat_.text.size())
        .substr(places_[id].from, places_[id].size);
  };
  flat_.values.reserve(values_.size());
  for (const LooseValue& loose : values_) {
    flat_.values.emplace_back(loose.kind, settled(loose.text));
  }
  flat_.claims.reserve(claims_.size());
  for (const LooseClaim& loose : claims_) {
    flat_.claims.push_back({.name = settled(loose.name), .folded = settled(loose.folded)});
  }
  flat_.devices.reserve(devices_.size());
  for (LooseDevice& loose : devices_) {
    loose.matcher.is = settled(loose.is);
    loose.matcher.type = settled(loose.type);
    flat_.devices.push_back(loose.matcher);
  }
  flat_.record_types.reserve(record_types_.size());
  for (const TextId type : record_types_) {
    flat_.record_types.push_back(settled(type));
  }
  flat_.records.reserve(records_.size());
  for (LooseRecord& loose : records_) {
    loose.matcher.field = settled(loose.field);
    flat_.records.push_back(loose.matcher);
  }
  constexpr std::size_t kFilterPaysFrom = 8;
  flat_.filter_groups = group_criteria_ >= kFilterPaysFrom;
  flat_.ssh_ca_as_reference = options_.ssh_ca_checks == SshCaChecks::AsReference;
  flat_.san_conditions_apart = options_.quirks == Quirks::AsReference;
  return std::move(flat_);
}

}  // namespace vallum::policy
