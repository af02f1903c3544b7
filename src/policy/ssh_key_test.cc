#include "policy/ssh_key.h"

#include <string>

#include <gtest/gtest.h>

#include "support/policy/samples.h"

namespace vallum::policy {
namespace {

std::string wire_of(std::string_view line) {
  return parse_authorized_key(line).value_or("");
}

TEST(SshKeyTest, OptionsCommentAndSpaceDoNotCount) {
  const std::string key(testing::kPlainKey.substr(0, testing::kPlainKey.rfind(' ')));
  const std::string wire = wire_of(key);

  ASSERT_FALSE(wire.empty());
  EXPECT_EQ(wire_of(testing::kPlainKey), wire);
  EXPECT_EQ(wire_of("  " + key + "\t somebody else  \r\n"), wire);
  EXPECT_EQ(wire_of("no-pty,from=\"10.0.0.0/8, 192.0.2.1\" " + key), wire);
  EXPECT_EQ(wire_of("command=\"echo \\\"x y\\\"\" " + key + " c"), wire);
  EXPECT_EQ(wire_of("# a comment\n\n" + key + "\n"), wire);
}

TEST(SshKeyTest, WhatIsNotAKeyIsRefused) {
  for (const std::string_view line : {"",
                                      "ssh-ed25519",
                                      "ssh-ed25519 !!!",
                                      "ssh-ed25519 AAAA",
                                      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
                                      "-----BEGIN PUBLIC KEY-----",
                                      "# only a comment"}) {
    EXPECT_FALSE(parse_authorized_key(line).has_value()) << line;
  }
}

TEST(SshKeyTest, EveryCutAndEveryTrailingByteIsRefused) {
  const std::string certificate = wire_of(testing::kUserCertificate);
  ASSERT_TRUE(parse_ssh_certificate(certificate).has_value());

  for (std::size_t size = 0; size < certificate.size(); ++size) {
    EXPECT_FALSE(parse_ssh_certificate(std::string_view(certificate).substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_ssh_certificate(certificate + '\0'));
}

TEST(SshKeyTest, ACertificateSaysWhoMayUseIt) {
  const auto certificate = parse_ssh_certificate(wire_of(testing::kUserCertificate));

  ASSERT_TRUE(certificate.has_value());
  EXPECT_TRUE(certificate->is_user);
  EXPECT_FALSE(certificate->is_host);
  EXPECT_EQ(certificate->principals, (std::vector<std::string>{"ubuntu", "alice"}));
  EXPECT_EQ(certificate->valid_after, 1'577'836'800U);
  EXPECT_EQ(certificate->valid_before, 2'208'988'800U);
  EXPECT_EQ(certificate->signature_key, wire_of(testing::kAuthorityKey));
  EXPECT_TRUE(certificate->critical_options.empty());
  EXPECT_GT(certificate->signed_bytes, certificate->signature.size());
}

TEST(SshKeyTest, PlainKeysAreNoCertificates) {
  EXPECT_FALSE(parse_ssh_certificate(wire_of(testing::kPlainKey)).has_value());
  EXPECT_FALSE(parse_ssh_certificate("").has_value());
}

TEST(SshKeyTest, HostCertificatesAndOptionsAreTold) {
  const auto host = parse_ssh_certificate(wire_of(testing::kHostCertificate));
  ASSERT_TRUE(host.has_value());
  EXPECT_TRUE(host->is_host);
  EXPECT_FALSE(host->is_user);

  const auto bound = parse_ssh_certificate(wire_of(testing::kCertificateFromAnywhereButHere));
  ASSERT_TRUE(bound.has_value());
  ASSERT_EQ(bound->critical_options.size(), 1U);
  EXPECT_EQ(bound->critical_options[0].name, "source-address");
  EXPECT_EQ(parse_source_addresses(bound->critical_options[0].value),
            (std::vector<std::string>{"10.0.0.0/8"}));
  EXPECT_EQ(parse_source_addresses("10.0.0.0/8"), std::nullopt);
  EXPECT_EQ(parse_source_addresses(""), std::nullopt);
}

}  // namespace
}  // namespace vallum::policy
