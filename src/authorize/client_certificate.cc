#include "authorize/client_certificate.h"

#include <utility>

#include "base/bytes.h"

namespace vallum::authorize {

ClientCertificate::ClientCertificate(crypto::PresentedChain chain)
    : chain_(std::move(chain)), fingerprint_(to_hex(chain_.fingerprint())) {
  if (const auto& names = chain_.names()) {
    leaf_ = policy::LeafCertificate{.fingerprint = chain_.fingerprint(),
                                    .spki_hash = chain_.spki_fingerprint(),
                                    .san_dns = names->dns,
                                    .san_email = names->email,
                                    .san_uri = names->uri};
  }
}

crypto::ChainFault CertificateVerdicts::fault_of(const ClientCertificate& certificate,
                                                 const crypto::ClientAuthorities& authorities,
                                                 WallTime now) {
  key_.assign(as_text(authorities.digest()));
  key_.append(as_text(certificate.chain().digest()));
  crypto::ChainVerdict* known = known_.find(key_);
  if (known == nullptr) {
    known = &known_.insert(key_, {}, [](std::string_view, crypto::ChainVerdict&) {});
  }
  if (!known->holds_at(now)) {
    ++verifications_;
    *known = authorities.verify(certificate.chain(), now);
  }
  return known->fault;
}

}  // namespace vallum::authorize
