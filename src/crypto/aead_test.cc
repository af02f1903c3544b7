#include "crypto/aead.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/seeded_entropy.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;
using testing::from_hex;
using testing::SeededEntropy;

// Hands out the bytes it was given, so that a published nonce can be used.
class ScriptedEntropy final : public Entropy {
 public:
  explicit ScriptedEntropy(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(ByteSpan into) override {
    ASSERT_EQ(into.size(), bytes_.size());
    std::ranges::copy(bytes_, into.begin());
  }

 private:
  Bytes bytes_;
};

template <std::size_t N>
std::array<std::byte, N> array_of(ByteView bytes) {
  std::array<std::byte, N> out{};
  std::ranges::copy(bytes.first(N), out.begin());
  return out;
}

// draft-irtf-cfrg-xchacha A.3.1, with the nonce moved to the end.
TEST(XChaCha20Poly1305Test, SealsThePublishedExampleWithTheNonceAsSuffix) {
  const XChaCha20Poly1305 cipher(counting_bytes(32, 0x80));
  ScriptedEntropy nonce(counting_bytes(24, 0x40));
  const ByteView message = as_bytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.");

  const Bytes sealed = cipher.seal(message, from_hex("50515253c0c1c2c3c4c5c6c7"), nonce);

  EXPECT_EQ(to_hex(sealed),
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
            "21f9664c97637da9768812f615c68b13b52e"
            "c0875924c1c7987947deafd8780acf49"
            "404142434445464748494a4b4c4d4e4f5051525354555657");
}

TEST(XChaCha20Poly1305Test, OpensWhatItSealed) {
  const XChaCha20Poly1305 cipher(counting_bytes(32));
  SeededEntropy entropy(1);

  for (const std::size_t size : {0U, 1U, 64U, 5000U}) {
    const Bytes message = counting_bytes(size);
    const auto opened = cipher.open(cipher.seal(message, as_bytes("ad"), entropy), as_bytes("ad"));

    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(*opened, message);
  }
}

TEST(XChaCha20Poly1305Test, UsesANewNonceForEachMessage) {
  const XChaCha20Poly1305 cipher(counting_bytes(32));
  SeededEntropy entropy(1);

  EXPECT_NE(cipher.seal(as_bytes("m"), {}, entropy), cipher.seal(as_bytes("m"), {}, entropy));
}

TEST(XChaCha20Poly1305Test, RefusesEveryAlteredByteAndEveryLength) {
  const XChaCha20Poly1305 cipher(counting_bytes(32));
  SeededEntropy entropy(1);
  const Bytes sealed = cipher.seal(as_bytes("message"), as_bytes("ad"), entropy);

  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes altered = sealed;
    altered[at] ^= std::byte{0x80};
    EXPECT_FALSE(cipher.open(altered, as_bytes("ad")).has_value()) << at;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(cipher.open(ByteView(sealed).first(size), as_bytes("ad")).has_value()) << size;
  }
  EXPECT_FALSE(cipher.open(sealed, as_bytes("da")).has_value());
  EXPECT_FALSE(XChaCha20Poly1305(counting_bytes(32, 1)).open(sealed, as_bytes("ad")).has_value());
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
TEST(Aes256GcmTest, GivesThePublishedValueAndOpensIt) {
  Aes256Gcm cipher(from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const auto nonce = array_of<12>(from_hex("cafebabefacedbaddecaf888"));
  const Bytes additional = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes message = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");

  const Bytes sealed = cipher.seal(nonce, additional, message);
  const auto opened = cipher.open(nonce, additional, sealed);

  EXPECT_EQ(to_hex(sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(*opened, message);
}

TEST(Aes256GcmTest, GoesOnWorkingAfterARefusedMessage) {
  Aes256Gcm cipher(counting_bytes(32));
  const auto nonce = array_of<12>(counting_bytes(12));
  const Bytes sealed = cipher.seal(nonce, as_bytes("ad"), as_bytes("message"));
  Bytes altered = sealed;
  altered.front() ^= std::byte{1};

  EXPECT_FALSE(cipher.open(nonce, as_bytes("ad"), altered).has_value());
  EXPECT_FALSE(cipher.open(nonce, {}, sealed).has_value());
  EXPECT_FALSE(cipher.open(nonce, as_bytes("ad"), ByteView(sealed).first(15)).has_value());
  const auto opened = cipher.open(nonce, as_bytes("ad"), sealed);

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_text(*opened), "message");
}

// C2SP XAES-256-GCM: the first example has a subkey without carry, the second one with.
TEST(Xaes256GcmTest, GivesThePublishedValues) {
  const ByteView nonce_text = as_bytes("ABCDEFGHIJKLMNOPQRSTUVWX");
  const auto nonce = array_of<24>(nonce_text);
  const ByteView message = as_bytes("XAES-256-GCM");

  const Bytes plain = Xaes256Gcm(Bytes(32, std::byte{1})).seal(nonce, {}, message);
  const Bytes with_additional =
      Xaes256Gcm(Bytes(32, std::byte{3})).seal(nonce, as_bytes("c2sp.org/XAES-256-GCM"), message);

  EXPECT_EQ(to_hex(ByteView(plain).subspan(24)),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  EXPECT_EQ(to_hex(ByteView(with_additional).subspan(24)),
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
  EXPECT_TRUE(std::ranges::equal(ByteView(plain).first(24), nonce_text));
}

TEST(Xaes256GcmTest, OpensOnlyWhatItSealed) {
  Xaes256Gcm cipher(counting_bytes(32));
  SeededEntropy entropy(7);
  const Bytes sealed = cipher.seal(as_bytes("message"), as_bytes("ad"), entropy);

  const auto opened = cipher.open(sealed, as_bytes("ad"));

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_text(*opened), "message");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes altered = sealed;
    altered[at] ^= std::byte{1};
    EXPECT_FALSE(cipher.open(altered, as_bytes("ad")).has_value()) << at;
  }
  EXPECT_FALSE(cipher.open(sealed, {}).has_value());
  EXPECT_FALSE(cipher.open(ByteView(sealed).first(39), as_bytes("ad")).has_value());
}

}  // namespace
}  // namespace vallum::crypto
