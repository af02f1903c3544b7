#include "databroker/rpc/peer_options.h"

#include <chrono>
#include <utility>

#include "crypto/x509.h"

namespace vallum::databroker {
namespace {

// A process that lives longer has to be started anew.
constexpr Duration kDerivedLife = std::chrono::days(730);
constexpr Duration kDerivedSkew = std::chrono::days(1);
constexpr std::string_view kServicePrefix = "vallum:service:";

crypto::CertificateRequest request_for(const std::string& name, WallTime now) {
  return {.common_name = name,
          .dns_names = {},
          .ip_addresses = {},
          .not_before = now - kDerivedSkew,
          .not_after = now + kDerivedLife};
}

void append_pem(std::string& to, std::string_view pem) {
  to.append(to.empty() || pem.empty() ? "" : "\n").append(pem);
}

// While the secret changes, some processes derive from the one before.
Result<void> trust_derived(const config::Settings& settings, std::string& authorities_pem) {
  for (const Secret& secret : settings.shared_secret.all()) {
    TRY(const crypto::CertifiedKey authority, crypto::derive_ca(secret));
    append_pem(authorities_pem, authority.certificate_pem);
  }
  return {};
}

}  // namespace

std::string_view service_of(const config::Settings& settings) {
  if (settings.signs_in) {
    return "authenticate";
  }
  return settings.forwards ? "proxy" : "authorize";
}

Result<RecordClientOptions> caller_options(const config::Settings& settings,
                                           const CallerIdentity& caller,
                                           Entropy& entropy) {
  RecordClientOptions options;
  options.shared_secret = caller.shared_secret.clone();
  options.service = caller.service;
  options.authorities_pem = settings.certificate_authority_pem;
  options.certificate_pem = settings.databroker.certificate_pem;
  options.private_key_pem = settings.databroker.private_key_pem.clone();
  options.server_name = settings.databroker.server_name;
  if (settings.tls_derive.empty()) {
    return options;
  }
  TRY(const crypto::CertifiedKey authority, crypto::derive_ca(caller.shared_secret));
  append_pem(options.authorities_pem, authority.certificate_pem);
  TRY_OK(trust_derived(settings, options.authorities_pem));
  if (options.certificate_pem.empty()) {
    crypto::CertificateRequest request = request_for(options.service, caller.now);
    request.use = crypto::CertificateRequest::Use::Client;
    request.uris.push_back(std::string(kServicePrefix) + options.service);
    TRY(crypto::CertifiedKey leaf, crypto::generate_leaf(authority, request, entropy));
    options.certificate_pem = std::move(leaf.certificate_pem);
    options.private_key_pem = std::move(leaf.private_key_pem);
  }
  return options;
}

Result<std::vector<RecordClientOptions>> databrokers_of(const config::Settings& settings,
                                                        const CallerIdentity& caller,
                                                        Entropy& entropy) {
  std::vector<RecordClientOptions> databrokers;
  for (const config::RemoteDatabrokerSettings::Address& address : settings.databroker.addresses) {
    TRY(RecordClientOptions options, caller_options(settings, caller, entropy));
    options.address = address.host_and_port;
    options.clear_text = address.clear_text;
    databrokers.push_back(std::move(options));
  }
  return databrokers;
}

Result<rpc::Certificate> listener_certificate(const config::Settings& settings,
                                              ServedOn served,
                                              WallTime now,
                                              Entropy& entropy) {
  const config::RecordServiceSettings& records = settings.record_service;
  const config::ExtAuthzSettings& decisions = settings.ext_authz;
  rpc::Certificate shown;
  if (served.records) {
    shown.client_ca_pem = records.client_ca_pem;
  }
  if (served.decisions) {
    append_pem(shown.client_ca_pem, decisions.client_ca_pem);
  }
  if (decisions.grpc_insecure) {
    return shown;
  }
  if (!served.records || settings.tls_derive.empty()) {
    if (settings.certificates.empty()) {
      return fail(ErrorKind::InvalidInput, "it speaks TLS and needs a certificate");
    }
    shown.chain_pem = settings.certificates.front().certificate_pem;
    shown.private_key_pem = settings.certificates.front().private_key_pem.clone();
    return shown;
  }
  TRY(const crypto::CertifiedKey authority, crypto::derive_ca(*settings.shared_secret));
  crypto::CertificateRequest request = request_for(settings.tls_derive, now);
  request.dns_names.push_back(settings.tls_derive);
  TRY(crypto::CertifiedKey leaf, crypto::generate_leaf(authority, request, entropy));
  shown.chain_pem = std::move(leaf.certificate_pem);
  shown.private_key_pem = std::move(leaf.private_key_pem);
  TRY_OK(trust_derived(settings, shown.client_ca_pem));
  return shown;
}

}  // namespace vallum::databroker
