#include "databroker/store/postgres_address.h"

#include <string>

#include <gtest/gtest.h>

namespace vallum::databroker {
namespace {

Result<PostgresAddress> parse(std::string_view text) {
  return PostgresAddress::parse(Secret(text));
}

struct Example {
  const char* name;
  const char* text;
};

class PostgresAddressOfThisMachineTest : public ::testing::TestWithParam<Example> {};

TEST_P(PostgresAddressOfThisMachineTest, NeedsNoTls) {
  const auto address = parse(GetParam().text);

  ASSERT_TRUE(address.has_value()) << address.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Addresses,
    PostgresAddressOfThisMachineTest,
    ::testing::Values(Example{"Socket", "host=/run/postgresql dbname=vallum"},
                      Example{"Name", "postgres://vallum:secret@localhost/vallum"},
                      Example{"V4", "postgresql://vallum:secret@127.0.0.1:5433/vallum"},
                      Example{"V6", "postgres://vallum@[::1]/vallum"},
                      Example{"AddressBesideAName", "host=db.example hostaddr=127.0.0.1"}),
    [](const auto& example) { return std::string(example.param.name); });

class PostgresAddressElsewhereTest : public ::testing::TestWithParam<Example> {};

TEST_P(PostgresAddressElsewhereTest, IsRefusedWithoutVerifiedTls) {
  const auto address = parse(GetParam().text);

  ASSERT_FALSE(address.has_value());
  EXPECT_EQ(address.error().kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(address.error().message().contains("sslmode=verify-full"))
      << address.error().message();
  EXPECT_FALSE(address.error().message().contains("hunter2")) << address.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Addresses,
    PostgresAddressElsewhereTest,
    ::testing::Values(
        Example{"Plain", "postgres://vallum:hunter2@db.example/vallum"},
        Example{"NotVerified", "postgres://vallum:hunter2@db.example/vallum?sslmode=require"},
        Example{"NameNotVerified", "postgres://vallum:hunter2@db.example/vallum?sslmode=verify-ca"},
        Example{"OneOfSeveral", "postgres://vallum:hunter2@localhost,db.example/vallum"},
        Example{"AddressBesideAName", "host=localhost hostaddr=192.0.2.1 password=hunter2"},
        Example{"LooksLikeLoopback", "host=127.0.0.1.example password=hunter2"}),
    [](const auto& example) { return std::string(example.param.name); });

TEST(PostgresAddressTest, AcceptsSeveralHostsWithVerifiedTlsAndClientCertificates) {
  const auto address = parse(
      "postgres://vallum@db1.example,db2.example:5433/vallum?sslmode=verify-full"
      "&sslrootcert=/etc/ca.pem&sslcert=/etc/c.pem&sslkey=/etc/k.pem");

  ASSERT_TRUE(address.has_value()) << address.error().message();
  EXPECT_EQ(address->place(), "db1.example,db2.example/vallum");
}

TEST(PostgresAddressTest, WritesToTheHostThatTakesWritesUnlessToldOtherwise) {
  const auto attribute_of = [](std::string_view text) {
    const auto address = parse(text);
    EXPECT_TRUE(address.has_value());
    for (const auto& [keyword, value] : address->parameters()) {
      if (keyword == "target_session_attrs") {
        return std::string(reinterpret_cast<const char*>(value.expose().data()));
      }
    }
    return std::string();
  };

  EXPECT_EQ(attribute_of("host=localhost"), "read-write");
  EXPECT_EQ(attribute_of("host=localhost target_session_attrs=primary"), "primary");
}

TEST(PostgresAddressTest, QuotesNothingOfATextItDoesNotUnderstand) {
  for (const char* text : {"hunter2",
                           "password='hunter2",
                           "postgres://u:hunter2@[::1/vallum",
                           "host=localhost hunter2=x",
                           "postgres://u@h/d?hunter2=1"}) {
    const auto address = parse(text);

    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().kind(), ErrorKind::InvalidInput);
    EXPECT_FALSE(address.error().message().contains("hunter2")) << address.error().message();
  }
}

TEST(PostgresAddressTest, RefusesAServiceFile) {
  const auto address = parse("service=production");

  ASSERT_FALSE(address.has_value());
  EXPECT_TRUE(address.error().message().contains("'service'")) << address.error().message();
}

}  // namespace
}  // namespace vallum::databroker
