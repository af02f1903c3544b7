#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "config/assembly.h"

namespace vallum::config {

namespace {

// Where a databroker listens unless grpc_address says otherwise: alone, and beside a service whose
// listener has that port, or both.
constexpr std::uint16_t kRecordPort = 443;
constexpr std::uint16_t kRecordPortBeside = 5443;

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

// Authorities given as text, in a file, or both.
std::string read_authorities(Assembly& assembly,
                             const std::string& option,
                             const std::string& inline_text,
                             const std::string& file) {
  std::string pem;
  if (!inline_text.empty()) {
    pem = assembly.certificates_of_base64(option, assembly.place_of(option), inline_text)
              .value_or("");
  }
  if (!file.empty()) {
    const std::string file_option = option + "_file";
    const Place place = assembly.place_of(file_option);
    const auto content = assembly.read_file(file_option, place, file);
    if (content && assembly.check_certificates(file_option, place, *content)) {
      pem.append(pem.empty() ? "" : "\n").append(*content);
    }
  }
  return pem;
}

// Records carry the tokens of everybody who is signed in.
void check_record_listener(Assembly& assembly) {
  const RecordServiceSettings& made = assembly.settings().record_service;
  if (made.insecure && !is_loopback(*made.address)) {
    assembly.error("grpc_insecure",
                   "grpc_insecure: grpc_address is not a loopback address",
                   "leave the option out, so that the listener speaks TLS");
  }
  if (made.insecure && !made.client_ca_pem.empty()) {
    assembly.error("grpc_insecure",
                   "grpc_insecure: nobody can show a certificate of databroker_client_ca then",
                   "leave one of the two out");
  }
  if (!made.insecure && assembly.settings().certificates.empty() &&
      assembly.settings().tls_derive.empty() && !assembly.report().has_errors()) {
    assembly.error("grpc_address",
                   "grpc_address: speaks TLS and needs a certificate",
                   "write certificate_file and certificate_key_file, tls_derive with a name, or "
                   "grpc_insecure: true with a loopback address");
  }
}

// grpc_address is the databroker's unless other proxies ask there.
void assemble_record_service(Assembly& assembly) {
  Settings& settings = assembly.settings();
  std::optional<BindAddress>& address = settings.ext_authz.grpc_address;
  const bool is_for_peers = settings.answers_people && assembly.has("ext_authz_peers");
  RecordServiceSettings& made = settings.record_service;
  made.client_ca_pem = read_authorities(assembly,
                                        "databroker_client_ca",
                                        assembly.inputs().databroker_client_ca,
                                        assembly.inputs().databroker_client_ca_file);
  if (!address && settings.is_split && settings.keeps_records && !is_for_peers) {
    const std::uint16_t beside = settings.address.port == kRecordPortBeside
                                     ? static_cast<std::uint16_t>(kRecordPortBeside + 1)
                                     : kRecordPortBeside;
    address =
        BindAddress{.host = std::nullopt, .port = settings.answers_people ? beside : kRecordPort};
  }
  if (address && settings.keeps_records && !is_for_peers) {
    // Configurations of Pomerium name the listener for services that are one process here.
    if (!settings.is_split && settings.ext_authz.grpc_insecure && !is_loopback(*address)) {
      assembly.warn(
          "grpc_address",
          "grpc_address: no listener is opened, because ext_authz_peers names nobody who "
          "may ask there, and records are not served in clear text beyond loopback",
          "write ext_authz_peers where other proxies are to ask, or leave the option out");
      address.reset();
      return;
    }
    made.address = std::exchange(address, std::nullopt);
    made.insecure = settings.ext_authz.grpc_insecure;
    check_record_listener(assembly);
  }
  if (!made.address && !made.client_ca_pem.empty()) {
    assembly.error("databroker_client_ca",
                   "databroker_client_ca: records are served to nobody",
                   "write grpc_address without ext_authz_peers, or leave the option out");
  }
}

}  // namespace

void assemble_ext_authz(Assembly& assembly) {
  Settings& settings = assembly.settings();
  ExtAuthzSettings& made = settings.ext_authz;
  read_peers(assembly);
  made.client_ca_pem = read_authorities(assembly,
                                        "ext_authz_client_ca",
                                        assembly.inputs().ext_authz_client_ca,
                                        assembly.inputs().ext_authz_client_ca_file);
  assemble_record_service(assembly);
  if (made.grpc_address) {
    check_listener(assembly, *made.grpc_address, "grpc_address", "grpc_insecure");
  }
  if (made.forward_auth_address) {
    check_listener(
        assembly, *made.forward_auth_address, "forward_auth_address", "forward_auth_insecure");
  }
  if (settings.decides_for_others_alone && !made.grpc_address && !made.forward_auth_address) {
    assembly.error("services",
                   "services: authorize alone needs a listener for other proxies",
                   "write grpc_address or forward_auth_address");
  }
}

}  // namespace vallum::config
