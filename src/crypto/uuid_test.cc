#include "crypto/uuid.h"

#include <gtest/gtest.h>

#include "base/entropy.h"

namespace vallum::crypto {
namespace {

// RFC 9562 A.4.
TEST(UuidTest, AVersionFiveIsThatOfTheRfc) {
  constexpr UuidBytes kDns = {std::byte{0x6b},
                              std::byte{0xa7},
                              std::byte{0xb8},
                              std::byte{0x10},
                              std::byte{0x9d},
                              std::byte{0xad},
                              std::byte{0x11},
                              std::byte{0xd1},
                              std::byte{0x80},
                              std::byte{0xb4},
                              std::byte{0x00},
                              std::byte{0xc0},
                              std::byte{0x4f},
                              std::byte{0xd4},
                              std::byte{0x30},
                              std::byte{0xc8}};

  EXPECT_EQ(uuid_text_of(uuid_v5(kDns, "www.example.com")).view(),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

}  // namespace
}  // namespace vallum::crypto
