#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "crypto/x509.h"
#include "support/seeded_entropy.h"
#include "tls/certificate_store.h"

namespace vallum::testing {

// An authority and the certificates it signs, valid from `around` before `now` until `around` after
// it. For tests of modules that link tls.
class TestCertificates {
 public:
  explicit TestCertificates(WallTime now,
                            std::uint64_t seed = 11,
                            Duration around = std::chrono::days(365))
      : now_(now),
        around_(around),
        entropy_(seed),
        authority_(*generate_ca(request("Test authority"), entropy_)) {}

  const std::string& authority_pem() const { return authority_.certificate_pem; }

  tls::CertificateSource certificate(std::string_view name,
                                     std::vector<std::string> dns_names,
                                     std::vector<IpAddress> ip_addresses = {}) {
    crypto::CertificateRequest wanted = request(name);
    wanted.dns_names = std::move(dns_names);
    wanted.ip_addresses = std::move(ip_addresses);
    crypto::CertifiedKey leaf = *generate_leaf(authority_, wanted, entropy_);
    tls::CertificateSource source;
    source.name = name;
    source.certificate_pem = std::move(leaf.certificate_pem);
    source.private_key_pem = std::move(leaf.private_key_pem);
    return source;
  }

 private:
  crypto::CertificateRequest request(std::string_view common_name) const {
    return {.common_name = std::string(common_name),
            .dns_names = {},
            .ip_addresses = {},
            .not_before = now_ - around_,
            .not_after = now_ + around_};
  }

  WallTime now_;
  Duration around_;
  SeededEntropy entropy_;
  crypto::CertifiedKey authority_;
};

}  // namespace vallum::testing
