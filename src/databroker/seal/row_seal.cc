#include "databroker/seal/row_seal.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "databroker/encoding.h"

namespace vallum::databroker {
namespace {

// Types come from callers of Put: past this many they are computed each time.
constexpr std::size_t kTypeTagsKept = 256;

crypto::SealPlace seal_place(const RowPlace& place) {
  return {.type = as_text(place.type), .blind_id = place.id, .version = place.version};
}

crypto::SealPlace note_place() {
  return {.type = "note", .blind_id = {}, .version = 0};
}

}  // namespace

void RowSum::toggle(const crypto::BlindId& term) {
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    sum_[i] ^= term[i];
  }
}

RowSum RowSum::from_bytes(ByteView bytes) {
  RowSum sum;
  CHECK(bytes.size() == sum.sum_.size());
  std::ranges::copy(bytes, sum.sum_.begin());
  return sum;
}

crypto::BlindId RowSeal::blind_id(std::string_view type, std::string_view id) {
  std::string text;
  text.reserve(type.size() + 1 + id.size());
  text.append(type).push_back('\0');  // no type contains NUL (check_batch)
  text.append(id);
  return ring_.blind("record id", text);
}

TypeTag RowSeal::type_tag(std::string_view type) {
  if (const auto found = type_tags_.find(type); found != type_tags_.end()) {
    return found->second;
  }
  const crypto::BlindId blind = ring_.blind("record type", type);
  TypeTag tag{};
  std::copy_n(blind.begin(), tag.size(), tag.begin());
  if (type_tags_.size() < kTypeTagsKept) {
    type_tags_.emplace(type, tag);
  }
  return tag;
}

RowPlace RowSeal::place_of(const Record& record) {
  return {.id = blind_id(record.type, record.id),
          .type = type_tag(record.type),
          .version = record.version,
          .is_deleted = record.is_deleted()};
}

crypto::BlindId RowSeal::row_term(const RowPlace& place) {
  std::array<std::byte, sizeof(place.id) + sizeof(place.type) + 9> text{};
  auto* at = std::ranges::copy(place.id, text.begin()).out;
  at = std::ranges::copy(place.type, at).out;
  store_be64(place.version, at);
  text.back() = place.is_deleted ? std::byte{1} : std::byte{0};
  return ring_.blind("row", as_text(text));
}

crypto::BlindId RowSeal::blind_entry(std::string_view type, const IndexEntry& entry) {
  std::string text;
  text.reserve(type.size() + entry.field.size() + entry.value.size() + 2);
  text.append(type).push_back('\0');  // neither a type nor a field contains NUL
  text.append(entry.field).push_back('\0');
  text.append(entry.value);
  const crypto::BlindId blind = ring_.blind("index entry", text);
  wipe({reinterpret_cast<std::byte*>(text.data()), text.size()});
  return blind;
}

crypto::BlindId RowSeal::entry_term(const crypto::BlindId& entry, std::uint64_t version) {
  std::array<std::byte, sizeof(entry) + sizeof(version)> text{};
  store_be64(version, std::ranges::copy(entry, text.begin()).out);
  return ring_.blind("index row", as_text(text));
}

crypto::BlindId RowSeal::note_term(std::string_view name, std::string_view note) {
  return ring_.blind("note value", std::string(name).append(1, '\0').append(note));
}

crypto::BlindId RowSeal::keys_term(const crypto::KeyRing& ring) {
  if (ring.generation() == 0) {
    return {};
  }
  Bytes text(sizeof(std::uint64_t));
  store_be64(ring.generation(), text.data());
  for (const crypto::RingKey& key : ring.data_keys()) {
    const Bytes mark = crypto::data_key_mark(key.id);
    text.insert(text.end(), mark.begin(), mark.end());
  }
  return ring_.blind("data keys", as_text(text));
}

Bytes RowSeal::seal(const RowPlace& place, const Record& record) {
  std::string plain = encode_record(record);
  Bytes sealed = ring_.seal(seal_place(place), as_bytes(plain), *entropy_);
  wipe({reinterpret_cast<std::byte*>(plain.data()), plain.size()});
  return sealed;
}

Result<Record> RowSeal::open(const RowPlace& place, ByteView sealed) {
  auto plain = ring_.open(seal_place(place), sealed);
  if (!plain) {
    return fail(ErrorKind::Internal, "store: a record was altered, or sealed with an unknown key");
  }
  Result<Record> record = decode_record(*plain);
  wipe(*plain);
  if (!record || place_of(*record) != place) {
    return fail(ErrorKind::Internal, "store: a record is not the one that belongs in its place");
  }
  return record;
}

Result<Bytes> RowSeal::reseal(const RowPlace& place, ByteView sealed) {
  auto plain = ring_.open(seal_place(place), sealed);
  if (!plain) {
    return fail(ErrorKind::Internal, "store: a record was altered, or sealed with an unknown key");
  }
  Bytes resealed = ring_.seal(seal_place(place), *plain, *entropy_);
  wipe(*plain);
  return resealed;
}

Bytes RowSeal::seal_note(std::string_view name, ByteView note) {
  crypto::SealPlace place = note_place();
  place.blind_id = ring_.blind("note", name);
  return ring_.seal(place, note, *entropy_);
}

Result<Bytes> RowSeal::open_note(std::string_view name, ByteView sealed) {
  crypto::SealPlace place = note_place();
  place.blind_id = ring_.blind("note", name);
  return ring_.open(place, sealed);
}

}  // namespace vallum::databroker
