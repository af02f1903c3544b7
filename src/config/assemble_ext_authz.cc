#include <algorithm>

#include "base/strings.h"
#include "config/assembly.h"

namespace vallum::config {

namespace {

bool is_loopback(const BindAddress& address) {
  return address.host && address.host->is_loopback();
}

// Questions carry cookies and answers make people into users: neither goes over a wire that others
// can read.
void check_listener(Assembly& assembly,
                    const BindAddress& address,
                    const std::string& option,
                    const std::string& insecure_option) {
  const ExtAuthzSettings& settings = assembly.settings().ext_authz;
  const bool insecure =
      option == "grpc_address" ? settings.grpc_insecure : settings.forward_auth_insecure;
  if (insecure && !is_loopback(address)) {
    assembly.error(insecure_option,
                   insecure_option + ": " + option + " is not a loopback address",
                   "leave the option out, so that the listener speaks TLS");
  }
  if (insecure && !settings.client_ca_pem.empty()) {
    assembly.error(insecure_option,
                   insecure_option + ": nobody can show a certificate of ext_authz_client_ca then",
                   "leave one of the two out");
  }
  if (!insecure && assembly.settings().certificates.empty() && !assembly.report().has_errors()) {
    assembly.error(option,
                   option + ": speaks TLS and needs a certificate",
                   "write certificate_file and certificate_key_file, or " + insecure_option +
                       ": true with a loopback address");
  }
  if (settings.peers.empty()) {
    assembly.error(option,
                   option + ": nobody may ask there while ext_authz_peers names no address",
                   "write ext_authz_peers: [10.0.0.5] with the addresses of your proxies");
  }
}

void read_peers(Assembly& assembly) {
  for (const std::string& text : assembly.inputs().ext_authz_peers) {
    const std::optional<IpPrefix> prefix = IpPrefix::parse(trim_space(text));
    if (!prefix) {
      assembly.error("ext_authz_peers",
                     "ext_authz_peers: " + quoted(text) + " is not an address or prefix",
                     "write an address such as 10.0.0.5, or a prefix such as 10.0.0.0/24");
      continue;
    }
    if (prefix->bits() == 0) {
      assembly.warn("ext_authz_peers",
                    "ext_authz_peers: " + quoted(text) +
                        " lets everybody who can connect say who their client is",
                    "name the addresses of your proxies");
    }
    assembly.settings().ext_authz.peers.push_back(*prefix);
  }
}

void read_authorities(Assembly& assembly) {
  std::string& pem = assembly.settings().ext_authz.client_ca_pem;
  const std::string& inline_text = assembly.inputs().ext_authz_client_ca;
  const std::string& file = assembly.inputs().ext_authz_client_ca_file;
  if (!inline_text.empty()) {
    pem = assembly
              .certificates_of_base64(
                  "ext_authz_client_ca", assembly.place_of("ext_authz_client_ca"), inline_text)
              .value_or("");
  }
  if (!file.empty()) {
    const std::string option = "ext_authz_client_ca_file";
    const Place place = assembly.place_of(option);
    const auto content = assembly.read_file(option, place, file);
    if (content && assembly.check_certificates(option, place, *content)) {
      pem.append(pem.empty() ? "" : "\n").append(*content);
    }
  }
}

}  // namespace

void assemble_ext_authz(Assembly& assembly) {
  Settings& settings = assembly.settings();
  ExtAuthzSettings& made = settings.ext_authz;
  read_peers(assembly);
  read_authorities(assembly);
  // Configurations of Pomerium name the listener for services that are one process here.
  if (made.grpc_address && settings.forwards && !assembly.has("ext_authz_peers")) {
    assembly.warn("grpc_address",
                  "grpc_address: no listener is opened, because ext_authz_peers names nobody who "
                  "may ask there",
                  "write ext_authz_peers where other proxies are to ask, or leave the option out");
    made.grpc_address.reset();
  }
  if (made.grpc_address) {
    check_listener(assembly, *made.grpc_address, "grpc_address", "grpc_insecure");
  }
  if (made.forward_auth_address) {
    check_listener(
        assembly, *made.forward_auth_address, "forward_auth_address", "forward_auth_insecure");
  }
  if (settings.forwards) {
    return;
  }
  if (!made.grpc_address && !made.forward_auth_address) {
    assembly.error("services",
                   "services: authorize alone needs a listener for other proxies",
                   "write grpc_address or forward_auth_address");
  }
  if (!settings.shared_secret && !assembly.report().has_errors()) {
    assembly.error(
        "services",
        "services: authorize alone needs the shared_secret of the processes it works with",
        "write shared_secret or shared_secret_file");
  }
}

}  // namespace vallum::config
