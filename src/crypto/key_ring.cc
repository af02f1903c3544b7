#include "crypto/key_ring.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/kdf.h"

namespace vallum::crypto {
namespace {

// Wrapped rings, by how they begin. The plain text of one is: generation, index key, and for each
// data key its id, when it was made (Unix milliseconds; 0: unknown) and the key.
constexpr std::string_view kMagic = "VKR2";
// Before key-encryption keys had names and data keys had dates: index key, and ids with keys, under
// the key that comes from the shared secret.
constexpr std::string_view kUnnamedMagic = "VKR1";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kLengthBytes = 4;

void append_be32(Bytes& out, std::size_t value) {
  std::array<std::byte, kLengthBytes> bytes{};
  store_be32(static_cast<std::uint32_t>(value), bytes.data());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_be64(Bytes& out, std::uint64_t value) {
  std::array<std::byte, kIdBytes> bytes{};
  store_be64(value, bytes.data());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_part(Bytes& out, ByteView part) {
  append_be32(out, part.size());
  out.insert(out.end(), part.begin(), part.end());
}

Secret random_key(Entropy& entropy) {
  Bytes key(kKeyBytes);
  entropy.fill(key);
  return Secret(std::move(key));
}

Secret copy_of(ByteView key) {
  return Secret(Bytes(key.begin(), key.end()));
}

Bytes wrap_additional_data(std::string_view magic, std::string_view deployment) {
  Bytes out;
  append_part(out, as_bytes(magic));
  append_part(out, as_bytes(deployment));
  return out;
}

}  // namespace

KeyRing::KeyRing(std::string_view deployment, Secret index_key)
    : deployment_(deployment),
      index_key_(std::move(index_key)),
      index_mac_(MacAlgorithm::HmacSha256, index_key_.expose()) {}

KeyRing KeyRing::create(std::string_view deployment,
                        std::optional<WallTime> made_at,
                        Entropy& entropy) {
  KeyRing ring(deployment, random_key(entropy));
  const std::uint64_t id = entropy.next_u64();
  ring.add_data_key({.id = id, .made_at = made_at}, random_key(entropy));
  return ring;
}

Result<KeyRing> KeyRing::unwrap(const KeyEncryptionKeys& keys,
                                std::string_view deployment,
                                ByteView wrapped) {
  if (as_text(wrapped).starts_with(kMagic)) {
    const Bytes additional = wrap_additional_data(kMagic, deployment);
    TRY(const auto unwrapped, keys.unwrap(wrapped.subspan(kMagic.size()), additional));
    return read(deployment, unwrapped.plain.expose(), true);
  }
  if (as_text(wrapped).starts_with(kUnnamedMagic)) {
    const Bytes additional = wrap_additional_data(kUnnamedMagic, deployment);
    TRY(const Secret plain, keys.unwrap_unnamed(wrapped.subspan(kUnnamedMagic.size()), additional));
    return read(deployment, plain.expose(), false);
  }
  return fail(ErrorKind::InvalidInput, "key ring: not a wrapped key ring");
}

Result<KeyRing> KeyRing::read(std::string_view deployment, ByteView plain, bool has_facts) {
  const std::size_t head_bytes = (has_facts ? sizeof(std::uint64_t) : 0) + kKeyBytes;
  const std::size_t facts_bytes = kIdBytes + (has_facts ? kTimeBytes : 0);
  const std::size_t entry_bytes = facts_bytes + kKeyBytes;
  if (plain.size() < head_bytes + entry_bytes || (plain.size() - head_bytes) % entry_bytes != 0 ||
      (plain.size() - head_bytes) / entry_bytes > kDataKeysMax) {
    return fail(ErrorKind::InvalidInput, "key ring: unknown layout");
  }
  KeyRing ring(deployment, copy_of(plain.subspan(head_bytes - kKeyBytes, kKeyBytes)));
  ring.generation_ = has_facts ? load_be64(plain.data()) : 0;
  for (ByteView rest = plain.subspan(head_bytes); !rest.empty(); rest = rest.subspan(entry_bytes)) {
    RingKey facts{.id = load_be64(rest.data()), .made_at = std::nullopt};
    if (const std::uint64_t millis = has_facts ? load_be64(rest.data() + kIdBytes) : 0;
        millis > 0) {
      facts.made_at = WallTime(std::chrono::milliseconds(millis));
    }
    ring.add_data_key(facts, copy_of(rest.subspan(facts_bytes, kKeyBytes)));
  }
  return ring;
}

Bytes KeyRing::wrap(const KeyEncryptionKeys& keys, Entropy& entropy) const {
  Bytes plain;
  plain.reserve(sizeof(generation_) + kKeyBytes +
                data_keys_.size() * (kIdBytes + kTimeBytes + kKeyBytes));
  append_be64(plain, generation_);
  plain.insert(plain.end(), index_key_.expose().begin(), index_key_.expose().end());
  for (const SealKey& data_key : data_keys_) {
    const auto made_at = data_key.facts.made_at;
    append_be64(plain, data_key.facts.id);
    append_be64(plain, made_at ? static_cast<std::uint64_t>(unix_millis(*made_at)) : 0);
    plain.insert(plain.end(), data_key.key.expose().begin(), data_key.key.expose().end());
  }
  const Bytes sealed = keys.wrap(plain, wrap_additional_data(kMagic, deployment_), entropy);
  wipe(plain);
  Bytes out;
  out.reserve(kMagic.size() + sealed.size());
  const ByteView magic = as_bytes(kMagic);
  out.insert(out.end(), magic.begin(), magic.end());
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

std::optional<KeyId> KeyRing::wrapped_by(ByteView wrapped) {
  if (!as_text(wrapped).starts_with(kMagic)) {
    return std::nullopt;
  }
  const auto id = KeyEncryptionKeys::id_of(wrapped.subspan(kMagic.size()));
  return id ? std::optional(*id) : std::nullopt;
}

KeyRing KeyRing::clone() const {
  KeyRing copy(deployment_, index_key_.clone());
  copy.generation_ = generation_;
  for (const SealKey& data_key : data_keys_) {
    copy.add_data_key(data_key.facts, data_key.key.clone());
  }
  return copy;
}

Result<void> KeyRing::rotate(std::optional<WallTime> now, Entropy& entropy) {
  if (data_keys_.size() >= kDataKeysMax) {
    return fail(ErrorKind::ResourceExhausted, "key ring: too many data keys; re-seal the records");
  }
  const std::uint64_t id = entropy.next_u64();
  add_data_key({.id = id, .made_at = now}, random_key(entropy));
  std::ranges::rotate(data_keys_, data_keys_.end() - 1);
  ++generation_;
  return {};
}

void KeyRing::retire_older() {
  if (data_keys_.size() > 1) {
    data_keys_.erase(data_keys_.begin() + 1, data_keys_.end());
    ++generation_;
  }
}

std::vector<RingKey> KeyRing::data_keys() const {
  std::vector<RingKey> facts;
  facts.reserve(data_keys_.size());
  for (const SealKey& data_key : data_keys_) {
    facts.push_back(data_key.facts);
  }
  return facts;
}

Bytes KeyRing::seal(const SealPlace& place, ByteView plaintext, Entropy& entropy) {
  CHECK(!data_keys_.empty());
  SealKey& active = data_keys_.front();
  Bytes out;
  out.reserve(kIdBytes + Xaes256Gcm::kNonceBytes + plaintext.size() + Xaes256Gcm::kTagBytes);
  append_be64(out, active.facts.id);
  active.cipher.seal_to(out, plaintext, additional_data(place), entropy);
  return out;
}

Result<Bytes> KeyRing::open(const SealPlace& place, ByteView sealed) {
  if (sealed.size() < kIdBytes) {
    return fail(ErrorKind::InvalidInput, "sealed value: too short");
  }
  const std::uint64_t id = load_be64(sealed.data());
  const auto found =
      std::ranges::find(data_keys_, id, [](const SealKey& data_key) { return data_key.facts.id; });
  if (found == data_keys_.end()) {
    return fail(ErrorKind::NotFound, "sealed value: no key of this ring sealed it");
  }
  return found->cipher.open(sealed.subspan(kIdBytes), additional_data(place));
}

bool KeyRing::knows_key_of(ByteView sealed) const {
  return sealed.size() >= kIdBytes &&
         std::ranges::any_of(data_keys_, [id = load_be64(sealed.data())](const SealKey& data_key) {
           return data_key.facts.id == id;
         });
}

bool KeyRing::is_sealed_by_older_key(ByteView sealed) const {
  return sealed.size() >= kIdBytes && load_be64(sealed.data()) != data_keys_.front().facts.id;
}

BlindId KeyRing::blind(std::string_view scope, std::string_view text) {
  std::array<std::byte, kLengthBytes> length{};
  store_be32(static_cast<std::uint32_t>(scope.size()), length.data());
  return index_mac_.mac({length, as_bytes(scope), as_bytes(text)});
}

Bytes KeyRing::additional_data(const SealPlace& place) const {
  Bytes out;
  out.reserve(4 * kLengthBytes + deployment_.size() + place.type.size() + place.blind_id.size() +
              kIdBytes);
  append_part(out, as_bytes(deployment_));
  append_part(out, as_bytes(place.type));
  append_part(out, place.blind_id);
  append_be32(out, kIdBytes);
  append_be64(out, place.version);
  return out;
}

void KeyRing::add_data_key(RingKey facts, Secret key) {
  Xaes256Gcm cipher(key.expose());
  data_keys_.push_back({facts, std::move(key), std::move(cipher)});
}

Bytes data_key_mark(std::uint64_t id) {
  Bytes mark;
  append_be64(mark, id);
  return mark;
}

}  // namespace vallum::crypto
