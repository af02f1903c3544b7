#include "dev/local_authority.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "crypto/x509.h"
#include "dev/files.h"

namespace vallum::dev {
namespace {

using std::chrono::hours;

constexpr auto kDay = hours(24);
constexpr auto kAuthorityLifetime = 3650 * kDay;
constexpr auto kLeafLifetime = 397 * kDay;  // the most that browsers accept of public certificates
constexpr auto kRenewBefore = 30 * kDay;
// A clock that is set back a little must not make what was just issued invalid.
constexpr auto kBackdating = hours(1);

Result<crypto::CertifiedKey> load(const std::string& certificate, const std::string& key) {
  TRY(std::string certificate_pem, read_file(certificate));
  TRY(const std::string key_pem, read_file(key));
  crypto::CertifiedKey loaded{.certificate_pem = std::move(certificate_pem),
                              .private_key_pem = Secret(key_pem)};
  TRY_OK(crypto::check_key_matches(loaded.certificate_pem, loaded.private_key_pem));
  return loaded;
}

Result<void> save(const crypto::CertifiedKey& made,
                  const std::string& certificate,
                  const std::string& key) {
  TRY_OK(write_private_file(key, made.private_key_pem.expose_text()));
  return write_private_file(certificate, made.certificate_pem);
}

Result<crypto::CertifiedKey> ensure_authority(const std::string& folder,
                                              const Clock& clock,
                                              Entropy& entropy) {
  const std::string certificate = folder + "/ca.pem";
  const std::string key = folder + "/ca.key";
  auto kept = load(certificate, key);
  if (kept.has_value() || kept.error().kind() != ErrorKind::NotFound) {
    return kept;
  }
  const WallTime now = clock.wall();
  TRY(crypto::CertifiedKey made,
      crypto::generate_ca({.common_name = "Vallum development CA",
                           .dns_names = {},
                           .ip_addresses = {},
                           .not_before = now - kBackdating,
                           .not_after = now + kAuthorityLifetime},
                          entropy));
  TRY_OK(save(made, certificate, key));
  return made;
}

// Whether the certificate is of this authority, covers the names, and does so for long enough. The
// authority is told by the chain that is kept behind the leaf.
bool is_good(const std::string& chain,
             const crypto::CertifiedKey& authority,
             std::span<const std::string> dns_names,
             WallTime now) {
  if (!chain.ends_with(authority.certificate_pem)) {
    return false;
  }
  const auto certificates = crypto::read_certificates(chain);
  if (!certificates.has_value() || certificates->front().not_after < now + kRenewBefore) {
    return false;
  }
  return std::ranges::all_of(
      dns_names, [&](const std::string& name) { return certificates->front().covers(name); });
}

}  // namespace

Result<LocalCertificates> ensure_local_certificates(DevelopmentMode /*mode*/,
                                                    const std::string& folder,
                                                    std::span<const std::string> dns_names,
                                                    const Clock& clock,
                                                    Entropy& entropy) {
  TRY_OK(ensure_folder(folder));
  TRY(const crypto::CertifiedKey authority, ensure_authority(folder, clock, entropy));
  LocalCertificates files{.authority = folder + "/ca.pem",
                          .certificate = folder + "/server.pem",
                          .private_key = folder + "/server.key"};
  const WallTime now = clock.wall();
  const auto kept = load(files.certificate, files.private_key);
  if (kept.has_value() && is_good(kept->certificate_pem, authority, dns_names, now)) {
    return files;
  }
  TRY(crypto::CertifiedKey leaf,
      crypto::generate_leaf(authority,
                            {.common_name = dns_names.empty() ? "localhost" : dns_names.front(),
                             .dns_names = {dns_names.begin(), dns_names.end()},
                             .ip_addresses = {},
                             .not_before = now - kBackdating,
                             .not_after = now + kLeafLifetime},
                            entropy));
  leaf.certificate_pem += authority.certificate_pem;
  TRY_OK(save(leaf, files.certificate, files.private_key));
  return files;
}

}  // namespace vallum::dev
