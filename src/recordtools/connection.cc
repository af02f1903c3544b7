#include "recordtools/connection.h"

#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "config/state_directory.h"
#include "databroker/rpc/peer_options.h"
#include "net/socket_address.h"

namespace vallum::recordtools {
namespace {

constexpr std::size_t kSharedSecretBytes = 32;

Result<std::string> read_option(const std::string& path,
                                const char* option,
                                const Surroundings& around) {
  if (path.empty()) {
    return std::string();
  }
  Result<std::string> content = around.files.read(path);
  return content ? std::move(content)
                 : fail(content.error().with_context(std::string(option) + ": " + path));
}

Result<Secret> find_shared_secret(const WrittenConnection& written,
                                  const config::Settings* settings,
                                  const Surroundings& around) {
  if (!written.shared_secret_file.empty()) {
    TRY(const std::string text,
        read_option(written.shared_secret_file, "--shared-secret-file", around));
    // The first of a list makes what is new, this command's tokens as well.
    const std::string_view first = split(trim_space(text), '\n').front();
    auto key = codec::decode_base64(trim_space(first), codec::Base64::Std);
    if (!key || key->size() != kSharedSecretBytes) {
      return fail(ErrorKind::InvalidInput,
                  "--shared-secret-file: " + written.shared_secret_file +
                      " does not hold 32 bytes as base64, as the server's shared_secret_file does");
    }
    return Secret(*std::move(key));
  }
  if (settings == nullptr) {
    return fail(ErrorKind::InvalidInput,
                "the shared secret is not known: write --config FILE with the server's "
                "configuration, or --shared-secret-file FILE");
  }
  if (settings->shared_secret) {
    return settings->shared_secret->clone();
  }
  const auto directory = config::find_state_directory(around.environment);
  auto secret = directory ? config::load_secret(*directory, "shared_secret")
                          : Result<Secret>(fail(directory.error()));
  if (!secret) {
    return fail(ErrorKind::InvalidInput,
                std::string(secret.error().message()) + ": " + written.config +
                    " has no shared_secret, so its server keeps one in its state directory; run "
                    "this as the server's user with its STATE_DIRECTORY");
  }
  return secret;
}

// The databroker that the configuration names, else its own listener.
Result<std::string> address_of(const WrittenConnection& written, const config::Settings* settings) {
  if (settings == nullptr) {
    return fail(ErrorKind::InvalidInput,
                "which databroker is not known: write --config FILE with the server's "
                "configuration, or --address HOST:PORT");
  }
  if (!settings->databroker.addresses.empty()) {
    return settings->databroker.addresses.front().host_and_port;
  }
  const auto& own = settings->record_service.address;
  if (!own) {
    return fail(ErrorKind::InvalidInput,
                written.config +
                    ": its server serves records to nobody: add these lines, restart it, and run "
                    "this again (a configuration with ext_authz_peers needs a databroker of its "
                    "own, named by --address):\n"
                    "grpc_address: 127.0.0.1:5443\n"
                    "grpc_insecure: true");
  }
  const bool is_every = !own->host || *own->host == net::any_address();
  return net::SocketAddress{.ip = is_every ? IpAddress::loopback_v4() : *own->host,
                            .port = own->port}
      .text();
}

bool speaks_clear_text(const config::Settings& settings) {
  return settings.databroker.addresses.empty() ? settings.record_service.insecure
                                               : settings.databroker.addresses.front().clear_text;
}

bool has_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_u64(address.substr(colon + 1));
  return colon != 0 && port && *port > 0 && *port <= 65535;
}

}  // namespace

Result<databroker::RecordClientOptions> find_databroker(const WrittenConnection& written,
                                                        const config::Settings* settings,
                                                        const Surroundings& around) {
  std::string address = written.address;
  bool clear_text = written.insecure;
  if (written.address.empty()) {
    TRY(address, address_of(written, settings));
    clear_text = clear_text || speaks_clear_text(*settings);
  } else if (!has_port(written.address)) {
    return fail(ErrorKind::InvalidInput,
                "--address: '" + written.address + "' is not HOST:PORT, such as 127.0.0.1:5443");
  }
  TRY(Secret shared_secret, find_shared_secret(written, settings, around));
  databroker::RecordClientOptions options;
  if (settings != nullptr) {
    TRY(options,
        databroker::caller_options(*settings,
                                   {.shared_secret = shared_secret,
                                    .service = databroker::RecordClientOptions().service,
                                    .now = around.clock.wall()},
                                   around.entropy));
    if (settings->databroker.addresses.empty() && !settings->tls_derive.empty()) {
      options.server_name = settings->tls_derive;
    }
  }
  options.address = std::move(address);
  options.clear_text = clear_text;
  options.shared_secret = std::move(shared_secret);
  TRY(std::string authorities, read_option(written.ca_file, "--ca-file", around));
  if (!authorities.empty()) {
    options.authorities_pem = std::move(authorities);
  }
  if (written.certificate_file.empty() != written.key_file.empty()) {
    return fail(ErrorKind::InvalidInput,
                "--certificate-file and --key-file come together: a certificate and its key");
  }
  if (!written.certificate_file.empty()) {
    TRY(options.certificate_pem,
        read_option(written.certificate_file, "--certificate-file", around));
    TRY(const std::string key, read_option(written.key_file, "--key-file", around));
    options.private_key_pem = Secret(std::string_view(key));
  }
  if (!written.server_name.empty()) {
    options.server_name = written.server_name;
  }
  return options;
}

}  // namespace vallum::recordtools
