#pragma once

#include <span>
#include <string>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "dev/development_mode.h"

namespace vallum::dev {

// Paths of PEM files.
struct LocalCertificates {
  std::string authority;    // for people to trust
  std::string certificate;  // of the server
  std::string private_key;
};

// Makes, in `folder` (created with mode 0700), a certificate authority and a server certificate for
// `dns_names`, or keeps those that are there: the authority as long as it can be read, so that it
// needs to be trusted once; the certificate as long as it covers every name for another 30 days.
Result<LocalCertificates> ensure_local_certificates(DevelopmentMode mode,
                                                    const std::string& folder,
                                                    std::span<const std::string> dns_names,
                                                    const Clock& clock,
                                                    Entropy& entropy);

}  // namespace vallum::dev
