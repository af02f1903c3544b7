#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/secret.h"
#include "dev/development_mode.h"
#include "dev/local_authority.h"

namespace vallum::dev {

// The places of everything that `vallum dev` joins.
struct ConfigurationPlan {
  std::uint16_t port = 8443;           // of the proxy, on loopback
  std::uint16_t provider_port = 0;     // of the development provider, plain HTTP on 127.0.0.1
  std::uint16_t application_port = 0;  // of the demo application, plain HTTP on 127.0.0.1
  std::string health_address;          // "127.0.0.1:28080"
  std::string store_folder;            // of the SQLite store
  LocalCertificates certificates;
  const Secret* provider_seed = nullptr;  // as given to IdentityProvider
};

// Names under .localhost that the certificate must cover.
std::vector<std::string> host_names();

// https://app.localhost:PORT
std::string application_url(const ConfigurationPlan& plan);
// http://127.0.0.1:PORT, the issuer
std::string provider_url(const ConfigurationPlan& plan);

// An ordinary configuration in YAML, to be loaded as a file would be, and to be read by whoever
// wants to know how the parts fit together.
std::string configuration_yaml(DevelopmentMode mode, const ConfigurationPlan& plan);

// What `vallum dev` says at its start: the URL, the people and how to trust the authority.
std::string welcome(const ConfigurationPlan& plan);

}  // namespace vallum::dev
