#include "crypto/key_ring.h"

#include <array>

#include <gtest/gtest.h>

#include "crypto/kdf.h"
#include "support/hex.h"
#include "support/seeded_entropy.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;
using testing::SeededEntropy;

const WallTime kMadeAt = from_unix_seconds(1'700'000'000);
const WallTime kRotatedAt = from_unix_seconds(1'800'000'000);

KeyEncryptionKeys other_keys() {
  return KeyEncryptionKeys::derive(Secret(counting_bytes(32, 1)));
}

class KeyRingTest : public ::testing::Test {
 protected:
  SealPlace place(std::string_view type, std::string_view id, std::uint64_t version) {
    return {type, ring_.blind(type, id), version};
  }

  SeededEntropy entropy_{42};
  KeyEncryptionKeys keys_ = KeyEncryptionKeys::derive(Secret(counting_bytes(32)));
  KeyRing ring_ = KeyRing::create("deployment-1", kMadeAt, entropy_);
};

TEST_F(KeyRingTest, OpensAValueOnlyAtItsPlace) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes sealed = ring_.seal(home, as_bytes("value"), entropy_);

  const auto opened = ring_.open(home, sealed);

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_text(*opened), "value");
  EXPECT_FALSE(ring_.open(place("session", "s-2", 7), sealed).has_value());
  EXPECT_FALSE(ring_.open(place("session", "s-1", 8), sealed).has_value());
  SealPlace other_type = home;
  other_type.type = "user";
  EXPECT_FALSE(ring_.open(other_type, sealed).has_value());
}

TEST_F(KeyRingTest, RefusesEveryAlteredByte) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes sealed = ring_.seal(home, as_bytes("value"), entropy_);

  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes altered = sealed;
    altered[at] ^= std::byte{1};
    EXPECT_FALSE(ring_.open(home, altered).has_value()) << at;
  }
  EXPECT_FALSE(ring_.open(home, ByteView(sealed).first(7)).has_value());
  EXPECT_FALSE(ring_.open(home, {}).has_value());
}

TEST_F(KeyRingTest, ShowsNothingOfTheValueOrItsId) {
  const Bytes sealed =
      ring_.seal(place("user", "alice@corp.example", 1), as_bytes("alice@corp.example"), entropy_);
  const BlindId blind = ring_.blind("user", "alice@corp.example");

  EXPECT_EQ(as_text(sealed).find("alice"), std::string_view::npos);
  EXPECT_EQ(as_text(blind).find("alice"), std::string_view::npos);
  EXPECT_EQ(sealed.size(), 8U + 24U + 18U + 16U);
}

TEST_F(KeyRingTest, ComesBackWholeFromItsWrappedForm) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes sealed = ring_.seal(home, as_bytes("value"), entropy_);
  ASSERT_TRUE(ring_.rotate(kRotatedAt, entropy_).has_value());

  auto again = KeyRing::unwrap(keys_, "deployment-1", ring_.wrap(keys_, entropy_));

  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->data_key_count(), 2U);
  EXPECT_EQ(again->blind("session", "s-1"), ring_.blind("session", "s-1"));
  const auto opened = again->open(home, sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_text(*opened), "value");
}

TEST_F(KeyRingTest, StaysWrappedForAnotherSecretDeploymentOrBit) {
  const Bytes wrapped = ring_.wrap(keys_, entropy_);

  EXPECT_FALSE(KeyRing::unwrap(other_keys(), "deployment-1", wrapped).has_value());
  EXPECT_FALSE(KeyRing::unwrap(keys_, "deployment-2", wrapped).has_value());
  EXPECT_FALSE(KeyRing::unwrap(keys_, "deployment-1", {}).has_value());
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    Bytes altered = wrapped;
    altered[at] ^= std::byte{1};
    EXPECT_FALSE(KeyRing::unwrap(keys_, "deployment-1", altered).has_value()) << at;
  }
}

TEST_F(KeyRingTest, SealsWithTheNewestKeyAndOpensWithAll) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes before = ring_.seal(home, as_bytes("before"), entropy_);
  ASSERT_TRUE(ring_.rotate(kRotatedAt, entropy_).has_value());
  const Bytes after = ring_.seal(home, as_bytes("after"), entropy_);

  EXPECT_TRUE(ring_.is_sealed_by_older_key(before));
  EXPECT_FALSE(ring_.is_sealed_by_older_key(after));
  EXPECT_TRUE(ring_.open(home, before).has_value());
  EXPECT_TRUE(ring_.open(home, after).has_value());
}

TEST_F(KeyRingTest, NamesAValueOfAForeignRing) {
  KeyRing foreign = KeyRing::create("deployment-1", kMadeAt, entropy_);
  const SealPlace home = place("session", "s-1", 7);

  const auto opened = ring_.open(home, foreign.seal(home, as_bytes("value"), entropy_));

  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind(), ErrorKind::NotFound);
}

TEST_F(KeyRingTest, HoldsABoundedNumberOfKeys) {
  while (ring_.data_key_count() < KeyRing::kDataKeysMax) {
    ASSERT_TRUE(ring_.rotate(kRotatedAt, entropy_).has_value());
  }

  const auto more = ring_.rotate(kRotatedAt, entropy_);

  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().kind(), ErrorKind::ResourceExhausted);
  EXPECT_TRUE(KeyRing::unwrap(keys_, "deployment-1", ring_.wrap(keys_, entropy_)).has_value());
}

TEST_F(KeyRingTest, BlindIdsOfDifferentScopesNeverMeet) {
  EXPECT_NE(ring_.blind("user", "x"), ring_.blind("session", "x"));
  EXPECT_NE(ring_.blind("ab", "c"), ring_.blind("a", "bc"));
  EXPECT_EQ(ring_.blind("user", "x"), ring_.blind("user", "x"));
}

TEST_F(KeyRingTest, ForgetsOlderKeysAndNumbersEveryChange) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes before = ring_.seal(home, as_bytes("before"), entropy_);
  EXPECT_EQ(ring_.generation(), 0U);
  ASSERT_TRUE(ring_.rotate(kRotatedAt, entropy_).has_value());
  EXPECT_EQ(ring_.generation(), 1U);
  const Bytes after = ring_.seal(home, as_bytes("after"), entropy_);

  ring_.retire_older();

  EXPECT_EQ(ring_.generation(), 2U);
  EXPECT_FALSE(ring_.knows_key_of(before));
  EXPECT_EQ(ring_.open(home, before).error().kind(), ErrorKind::NotFound);
  auto again = KeyRing::unwrap(keys_, "deployment-1", ring_.wrap(keys_, entropy_));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->generation(), 2U);
  EXPECT_TRUE(again->open(home, after).has_value());
  ASSERT_EQ(again->data_keys().size(), 1U);
  EXPECT_EQ(again->data_keys()[0].made_at, kRotatedAt);
}

TEST_F(KeyRingTest, ACopyOpensTheSameAndGoesItsOwnWay) {
  const SealPlace home = place("session", "s-1", 7);
  const Bytes sealed = ring_.seal(home, as_bytes("value"), entropy_);
  KeyRing copy = ring_.clone();

  ASSERT_TRUE(copy.rotate(kRotatedAt, entropy_).has_value());

  EXPECT_TRUE(copy.open(home, sealed).has_value());
  EXPECT_EQ(copy.data_key_count(), 2U);
  EXPECT_EQ(ring_.data_key_count(), 1U);
}

// How rings were wrapped before key-encryption keys had names.
TEST_F(KeyRingTest, ReadsARingOfTheTimeBeforeKeysHadNames) {
  const Bytes index_key(32, std::byte{1});
  const Bytes data_key(32, std::byte{2});
  Bytes plain = index_key;
  const Bytes id = data_key_mark(5);
  plain.insert(plain.end(), id.begin(), id.end());
  plain.insert(plain.end(), data_key.begin(), data_key.end());
  const Bytes additional = [] {
    Bytes parts;
    for (const std::string_view part : {"VKR1", "deployment-1"}) {
      std::array<std::byte, 4> length{};
      store_be32(static_cast<std::uint32_t>(part.size()), length.data());
      parts.insert(parts.end(), length.begin(), length.end());
      parts.insert(parts.end(), as_bytes(part).begin(), as_bytes(part).end());
    }
    return parts;
  }();
  Xaes256Gcm cipher(hkdf_sha256(counting_bytes(32), "vallum/key-encryption", 32).expose());
  const Bytes sealed = cipher.seal(plain, additional, entropy_);
  Bytes wrapped(as_bytes("VKR1").begin(), as_bytes("VKR1").end());
  wrapped.insert(wrapped.end(), sealed.begin(), sealed.end());

  const auto ring = KeyRing::unwrap(keys_, "deployment-1", wrapped);

  ASSERT_TRUE(ring.has_value()) << ring.error().message();
  ASSERT_EQ(ring->data_keys().size(), 1U);
  EXPECT_EQ(ring->data_keys()[0].id, 5U);
  EXPECT_FALSE(ring->data_keys()[0].made_at.has_value());
  EXPECT_EQ(ring->generation(), 0U);
  EXPECT_FALSE(KeyRing::wrapped_by(wrapped).has_value());
  EXPECT_FALSE(KeyRing::unwrap(other_keys(), "deployment-1", wrapped).has_value());
}

}  // namespace
}  // namespace vallum::crypto
