#include "net/socket_address.h"

#include <gtest/gtest.h>

#include "net/native_address.h"

namespace vallum::net {
namespace {

TEST(SocketAddressTest, ReadsWhatItWrites) {
  for (const char* text :
       {"127.0.0.1:80", "0.0.0.0:0", "[::1]:443", "[2001:db8::1]:65535", "[::]:8080"}) {
    const auto address = SocketAddress::parse(text);

    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(SocketAddressTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":80",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:+1",
                           "127.0.0.1:080 ",
                           "[127.0.0.1]:80",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[]:80",
                           "localhost:80",
                           "127.1:80",
                           "[::1%lo]:80"}) {
    EXPECT_FALSE(SocketAddress::parse(text).has_value()) << text;
  }
}

TEST(SocketAddressTest, SurvivesTheKernelsForm) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:443"}) {
    const SocketAddress address = *SocketAddress::parse(text);

    EXPECT_EQ(from_native(to_native(address)), address);
  }
}

}  // namespace
}  // namespace vallum::net
