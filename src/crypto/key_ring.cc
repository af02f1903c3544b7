#include "crypto/key_ring.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/kdf.h"

namespace vallum::crypto {
namespace {

constexpr std::string_view kWrapMagic = "VKR1";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 8;
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

Xaes256Gcm key_encryption_cipher(const Secret& shared_secret) {
  return Xaes256Gcm(
      hkdf_sha256(shared_secret.expose(), "vallum/key-encryption", kKeyBytes).expose());
}

Bytes wrap_additional_data(std::string_view deployment) {
  Bytes out;
  append_part(out, as_bytes(kWrapMagic));
  append_part(out, as_bytes(deployment));
  return out;
}

}  // namespace

KeyRing::KeyRing(std::string_view deployment, Secret index_key)
    : deployment_(deployment),
      index_key_(std::move(index_key)),
      index_mac_(MacAlgorithm::HmacSha256, index_key_.expose()) {}

KeyRing KeyRing::create(std::string_view deployment, Entropy& entropy) {
  KeyRing ring(deployment, random_key(entropy));
  const std::uint64_t id = entropy.next_u64();
  ring.add_data_key(id, random_key(entropy));
  return ring;
}

Result<KeyRing> KeyRing::unwrap(const Secret& shared_secret,
                                std::string_view deployment,
                                ByteView wrapped) {
  if (!as_text(wrapped).starts_with(kWrapMagic)) {
    return fail(ErrorKind::InvalidInput, "key ring: not a wrapped key ring");
  }
  auto opened = key_encryption_cipher(shared_secret)
                    .open(wrapped.subspan(kWrapMagic.size()), wrap_additional_data(deployment));
  if (!opened) {
    return fail(ErrorKind::InvalidInput,
                "key ring: the shared secret is not the one this store was made with, or the ring "
                "was altered");
  }
  const Secret plain(*std::move(opened));
  ByteView rest = plain.expose();
  constexpr std::size_t kEntryBytes = kIdBytes + kKeyBytes;
  if (rest.size() < kKeyBytes + kEntryBytes || (rest.size() - kKeyBytes) % kEntryBytes != 0 ||
      (rest.size() - kKeyBytes) / kEntryBytes > kDataKeysMax) {
    return fail(ErrorKind::InvalidInput, "key ring: unknown layout");
  }
  KeyRing ring(deployment, copy_of(rest.first(kKeyBytes)));
  for (rest = rest.subspan(kKeyBytes); !rest.empty(); rest = rest.subspan(kEntryBytes)) {
    ring.add_data_key(load_be64(rest.data()), copy_of(rest.subspan(kIdBytes, kKeyBytes)));
  }
  return ring;
}

Bytes KeyRing::wrap(const Secret& shared_secret, Entropy& entropy) const {
  Bytes plain;
  plain.reserve(kKeyBytes + data_keys_.size() * (kIdBytes + kKeyBytes));
  plain.insert(plain.end(), index_key_.expose().begin(), index_key_.expose().end());
  for (const SealKey& data_key : data_keys_) {
    append_be64(plain, data_key.id);
    plain.insert(plain.end(), data_key.key.expose().begin(), data_key.key.expose().end());
  }
  const Bytes sealed =
      key_encryption_cipher(shared_secret).seal(plain, wrap_additional_data(deployment_), entropy);
  wipe(plain);
  Bytes out;
  out.reserve(kWrapMagic.size() + sealed.size());
  const ByteView magic = as_bytes(kWrapMagic);
  out.insert(out.end(), magic.begin(), magic.end());
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

Result<void> KeyRing::rotate(Entropy& entropy) {
  if (data_keys_.size() >= kDataKeysMax) {
    return fail(ErrorKind::ResourceExhausted, "key ring: too many data keys; re-seal the records");
  }
  const std::uint64_t id = entropy.next_u64();
  add_data_key(id, random_key(entropy));
  std::ranges::rotate(data_keys_, data_keys_.end() - 1);
  return {};
}

Bytes KeyRing::seal(const SealPlace& place, ByteView plaintext, Entropy& entropy) {
  CHECK(!data_keys_.empty());
  SealKey& active = data_keys_.front();
  const Bytes body = active.cipher.seal(plaintext, additional_data(place), entropy);
  Bytes out;
  out.reserve(kIdBytes + body.size());
  append_be64(out, active.id);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Result<Bytes> KeyRing::open(const SealPlace& place, ByteView sealed) {
  if (sealed.size() < kIdBytes) {
    return fail(ErrorKind::InvalidInput, "sealed value: too short");
  }
  const std::uint64_t id = load_be64(sealed.data());
  const auto found = std::ranges::find(data_keys_, id, &SealKey::id);
  if (found == data_keys_.end()) {
    return fail(ErrorKind::NotFound, "sealed value: no key of this ring sealed it");
  }
  return found->cipher.open(sealed.subspan(kIdBytes), additional_data(place));
}

bool KeyRing::is_sealed_by_older_key(ByteView sealed) const {
  return sealed.size() >= kIdBytes && load_be64(sealed.data()) != data_keys_.front().id;
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

void KeyRing::add_data_key(std::uint64_t id, Secret key) {
  Xaes256Gcm cipher(key.expose());
  data_keys_.push_back({id, std::move(key), std::move(cipher)});
}

}  // namespace vallum::crypto
