#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include "support/hex.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;

// RFC 5869 A.1.
TEST(HkdfTest, ExtractsAndExpandsThePublishedExample) {
  const Bytes info = counting_bytes(10, 0xf0);

  const Secret prk = hkdf_sha256_extract(counting_bytes(13), Bytes(22, std::byte{0x0b}));
  const Secret okm = hkdf_sha256_expand(prk.expose(), as_text(info), 42);

  EXPECT_EQ(to_hex(prk.expose()),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(to_hex(okm.expose()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// RFC 5869 A.3.
TEST(HkdfTest, TreatsAnEmptySaltAsZeros) {
  const Secret okm = hkdf_sha256(Bytes(22, std::byte{0x0b}), "", 42);

  EXPECT_EQ(to_hex(okm.expose()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// Identity specification 5.3, derivations 4 and 5.
TEST(HkdfTest, DerivesTheSpecifiedSubkeysOfTheSharedKey) {
  const Bytes shared = counting_bytes(32);

  EXPECT_EQ(to_hex(hkdf_sha256(shared, "hosted-authenticate-derived-jwk", 32).expose()),
            "8ea4c301d15b52eeea2b99c20f4d656194b2154f5b844461019ec6ccb6baac30");
  EXPECT_EQ(to_hex(hkdf_sha256(shared, "model-context-protocol", 32).expose()),
            "8e48a11c6d53a6ef125c403c80f8f77e3f3c9efd498000ac788a95fe4481e0ce");
}

}  // namespace
}  // namespace vallum::crypto
