#include "crypto/key_encryption_keys.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/seeded_entropy.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;

class KeyEncryptionKeysTest : public ::testing::Test {
 protected:
  static Secret secret(unsigned char first) { return Secret(counting_bytes(32, first)); }
  // Of configured keys that begin with these bytes, and one shared secret.
  static KeyEncryptionKeys keys(const std::vector<unsigned char>& configured,
                                unsigned char shared = 200) {
    std::vector<Secret> secrets;
    for (const unsigned char first : configured) {
      secrets.push_back(secret(first));
    }
    return KeyEncryptionKeys::of(secrets, SecretList(secret(shared)));
  }
  Bytes wrap(const KeyEncryptionKeys& by) { return by.wrap(plain_, as_bytes("for"), entropy_); }
  Result<KeyEncryptionKeys::Unwrapped> unwrap(const KeyEncryptionKeys& by, ByteView wrapped) {
    return by.unwrap(wrapped, as_bytes("for"));
  }

  testing::SeededEntropy entropy_{1};
  Bytes plain_ = counting_bytes(40);
};

TEST_F(KeyEncryptionKeysTest, TheFirstWrapsAndAllUnwrap) {
  const Bytes under_1 = wrap(keys({1}));

  const auto opened = unwrap(keys({2, 1}), under_1);

  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(opened->plain.equals(plain_));
  EXPECT_EQ(opened->id, keys({1}).active_id());
  EXPECT_EQ(*KeyEncryptionKeys::id_of(wrap(keys({2, 1}))), keys({2}).active_id());
}

TEST_F(KeyEncryptionKeysTest, ConfiguredKeysTakeOverFromTheSharedSecretAndBack) {
  EXPECT_TRUE(unwrap(keys({1}), wrap(keys({}))).has_value());
  EXPECT_TRUE(unwrap(keys({}, 9), wrap(keys({}, 9))).has_value());
  EXPECT_EQ(unwrap(keys({}), wrap(keys({1}))).error().kind(), ErrorKind::NotFound);
}

TEST_F(KeyEncryptionKeysTest, OlderSharedSecretsUnwrap) {
  SecretList both(secret(7));
  both.add_older(secret(200));

  EXPECT_TRUE(unwrap(KeyEncryptionKeys::derive(both), wrap(keys({}))).has_value());
}

TEST_F(KeyEncryptionKeysTest, NamesTheKeyThatIsMissingAndShowsNone) {
  const auto refused = unwrap(keys({2}), wrap(keys({1})));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::NotFound);
  const std::string_view message = refused.error().message();
  EXPECT_TRUE(message.contains(key_id_text(keys({1}).active_id()))) << message;
  EXPECT_FALSE(message.contains(to_hex(counting_bytes(8, 1)))) << message;
}

// Covers DBR-26. The name of the key is part of it.
TEST_F(KeyEncryptionKeysTest, CallsEveryFlippedByteAltered) {
  const KeyEncryptionKeys both = keys({1, 2});
  const Bytes wrapped = wrap(both);
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    Bytes altered = wrapped;
    altered[at] ^= std::byte{1};
    const auto refused = unwrap(both, altered);
    ASSERT_FALSE(refused.has_value()) << at;
    EXPECT_EQ(refused.error().kind(), ErrorKind::InvalidInput) << at;
  }
  EXPECT_FALSE(unwrap(both, ByteView(wrapped).first(7)).has_value());
  EXPECT_FALSE(both.unwrap(wrapped, as_bytes("something else")).has_value());
}

TEST_F(KeyEncryptionKeysTest, AKeyThatIsInTheListTwiceCountsOnce) {
  EXPECT_EQ(keys({1, 1}).ids_text(), keys({1}).ids_text());
  EXPECT_TRUE(keys({1}).has(keys({1}).active_id()));
  EXPECT_FALSE(keys({1}).has(keys({2}).active_id()));
}

}  // namespace
}  // namespace vallum::crypto
