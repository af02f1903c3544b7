#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// Questions carry cookies, answers make people into users, and records carry the tokens of
// everybody who is signed in: none of them goes over a wire that others can read.
struct Listener {
  const BindAddress& address;
  std::string_view option;
  std::string_view insecure_option;
  bool insecure = false;
  // Options whose certificates callers must show.
  std::vector<std::string> authorities = {};
  // It has a certificate without any of the configuration.
  bool is_derived = false;
};

void check_listener(Assembly& assembly, const Listener& listener) {
  const std::string option(listener.option);
  const std::string insecure_option(listener.insecure_option);
  if (listener.insecure && !is_loopback(listener.address)) {
    assembly.error(insecure_option,
                   insecure_option + ": " + option + " is not a loopback address",
                   "leave the option out, so that the listener speaks TLS");
  }
  for (const std::string& authorities : listener.authorities) {
    if (listener.insecure) {
      assembly.error(insecure_option,
                     std::string(insecure_option)
                         .append(": nobody can show a certificate of ")
                         .append(authorities)
                         .append(" then"),
                     "leave one of the two out");
    }
  }
  if (!listener.insecure && !listener.is_derived && assembly.settings().certificates.empty() &&
      !assembly.report().has_errors()) {
    assembly.error(option,
                   option + ": speaks TLS and needs a certificate",
                   "write certificate_file and certificate_key_file, " +
                       std::string(option == "grpc_address" ? "tls_derive with a name, " : "") +
                       "or " + insecure_option + ": true with a loopback address");
  }
}

// Whoever asks for decisions is named.
void check_peers(Assembly& assembly, const std::string& option) {
  if (assembly.settings().ext_authz.peers.empty()) {
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

// Records are on the listener of grpc_address where this process keeps them; decisions where it
// makes them, and other proxies are named, or it is for nothing else.
void assemble_grpc(Assembly& assembly) {
  Settings& settings = assembly.settings();
  ExtAuthzSettings& decisions = settings.ext_authz;
  RecordServiceSettings& records = settings.record_service;
  const bool is_for_peers =
      !settings.keeps_records || (settings.answers_people && assembly.has("ext_authz_peers"));
  std::optional<BindAddress> address = std::exchange(decisions.grpc_address, std::nullopt);
  if (!address && settings.is_split && settings.keeps_records && !is_for_peers) {
    const std::uint16_t beside = settings.address.port == kRecordPortBeside
                                     ? static_cast<std::uint16_t>(kRecordPortBeside + 1)
                                     : kRecordPortBeside;
    address =
        BindAddress{.host = std::nullopt, .port = settings.answers_people ? beside : kRecordPort};
  }
  if (!address) {
    return;
  }
  // Configurations of Pomerium name the listener for services that are one process here.
  if (!is_for_peers && !settings.is_split && decisions.grpc_insecure && !is_loopback(*address)) {
    assembly.warn("grpc_address",
                  "grpc_address: no listener is opened, because ext_authz_peers names nobody who "
                  "may ask there, and records are not served in clear text beyond loopback",
                  "write ext_authz_peers where other proxies are to ask, or leave the option out");
    return;
  }
  Listener listener{.address = *address,
                    .option = "grpc_address",
                    .insecure_option = "grpc_insecure",
                    .insecure = decisions.grpc_insecure};
  if (settings.keeps_records) {
    records.address = address;
    records.insecure = decisions.grpc_insecure;
    listener.is_derived = !settings.tls_derive.empty();
    if (!records.client_ca_pem.empty()) {
      listener.authorities.emplace_back("databroker_client_ca");
    }
  }
  if (is_for_peers) {
    decisions.grpc_address = address;
    if (!decisions.client_ca_pem.empty()) {
      listener.authorities.emplace_back("ext_authz_client_ca");
    }
  }
  check_listener(assembly, listener);
  if (is_for_peers) {
    check_peers(assembly, "grpc_address");
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
  settings.record_service.client_ca_pem =
      read_authorities(assembly,
                       "databroker_client_ca",
                       assembly.inputs().databroker_client_ca,
                       assembly.inputs().databroker_client_ca_file);
  assemble_grpc(assembly);
  if (!settings.record_service.address && !settings.record_service.client_ca_pem.empty()) {
    assembly.error("databroker_client_ca",
                   "databroker_client_ca: records are served to nobody",
                   "write grpc_address, or leave the option out");
  }
  if (made.forward_auth_address) {
    Listener listener{.address = *made.forward_auth_address,
                      .option = "forward_auth_address",
                      .insecure_option = "forward_auth_insecure",
                      .insecure = made.forward_auth_insecure};
    if (!made.client_ca_pem.empty()) {
      listener.authorities.emplace_back("ext_authz_client_ca");
    }
    check_listener(assembly, listener);
    check_peers(assembly, "forward_auth_address");
  }
  if (settings.decides_for_others_alone && !made.grpc_address && !made.forward_auth_address) {
    assembly.error("services",
                   "services: authorize alone needs a listener for other proxies",
                   "write grpc_address or forward_auth_address");
  }
}

}  // namespace vallum::config
