#include "crypto/hmac.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "support/hex.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;
using testing::from_hex;

struct MacVector {
  Bytes key;
  std::string message;
  std::string_view sha256;
  std::string_view sha512_256;
};

// RFC 4231 4.2 to 4.8 (the SHA-512/256 column is for the same inputs).
const std::vector<MacVector>& mac_vectors() {
  static const std::vector<MacVector> kVectors = {
      {Bytes(20, std::byte{0x0b}),
       "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "9f9126c3d9c3c330d760425ca8a217e31feae31bfe70196ff81642b868402eab"},
      {from_hex("4a656665"),
       "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "6df7b24630d5ccb2ee335407081a87188c221489768fa2020513b2d593359456"},
      {Bytes(20, std::byte{0xaa}),
       std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
       "229006391d66c8ecddf43ba5cf8f83530ef221a4e9401840d1bead5137c8a2ea"},
      {counting_bytes(25, 1),
       std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
       "36d60c8aa1d0be856e10804cf836e821e8733cbafeae87630589fd0b9b0a2f4c"},
      {Bytes(131, std::byte{0xaa}),
       "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "87123c45f7c537a404f8f47cdbedda1fc9bec60eeb971982ce7ef10e774e6539"},
      {Bytes(131, std::byte{0xaa}),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
       "6ea83f8e7315072c0bdaa33b93a26fc1659974637a9db8a887d06c05a7f35a66"},
  };
  return kVectors;
}

TEST(HmacTest, GivesThePublishedValues) {
  for (const MacVector& vector : mac_vectors()) {
    const ByteView message = as_bytes(vector.message);

    EXPECT_EQ(to_hex(hmac(MacAlgorithm::HmacSha256, vector.key, message)), vector.sha256);
    EXPECT_EQ(to_hex(hmac(MacAlgorithm::HmacSha512Trunc256, vector.key, message)),
              vector.sha512_256);
  }
}

TEST(HmacTest, AKeptContextGivesTheSameValueEachTime) {
  Hmac mac(MacAlgorithm::HmacSha256, as_bytes("Jefe"));
  mac.mac(as_bytes("something else first"));

  const Mac first = mac.mac(as_bytes("what do ya want for nothing?"));
  const Mac second =
      mac.mac({as_bytes("what do ya "), as_bytes("want "), as_bytes("for nothing?")});

  EXPECT_EQ(to_hex(first), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(first, second);
}

TEST(HmacTest, AnEmptyKeyIsAKeyOfItsOwn) {
  Hmac keyed(MacAlgorithm::HmacSha256, as_bytes("Jefe"));
  Hmac empty(MacAlgorithm::HmacSha256, {});

  // hmac.new(b'', b'', 'sha256')
  EXPECT_EQ(to_hex(empty.mac(ByteView())),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_NE(empty.mac(ByteView()), keyed.mac(ByteView()));
}

TEST(HmacTest, VerifiesOnlyTheWholeValue) {
  Hmac mac(MacAlgorithm::HmacSha512Trunc256, counting_bytes(32));
  const Mac good = mac.mac(as_bytes("message"));
  Mac flipped = good;
  flipped[31] ^= std::byte{1};

  EXPECT_TRUE(mac.verify(as_bytes("message"), good));
  EXPECT_FALSE(mac.verify(as_bytes("message"), flipped));
  EXPECT_FALSE(mac.verify(as_bytes("massage"), good));
  EXPECT_FALSE(mac.verify(as_bytes("message"), ByteView(good).first(31)));
  EXPECT_FALSE(mac.verify(as_bytes("message"), {}));
}

TEST(DigestTest, GivesThePublishedValues) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::Sha256, as_bytes("abc"))), to_hex(sha256(as_bytes("abc"))));
  EXPECT_EQ(to_hex(hash(HashAlgorithm::Sha384, as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::Sha512, as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

}  // namespace
}  // namespace vallum::crypto
