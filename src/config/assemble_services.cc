#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/assembly.h"
#include "crypto/x509.h"

namespace vallum::config {

namespace {

constexpr const char* kDefaultDatabroker = "http://127.0.0.1:5443";

void add_databroker(Assembly& assembly, const std::string& option, const http::Uri& url) {
  if (url.path_and_query() != "/" || url.fragment()) {
    assembly.warn(option, option + ": only scheme, host and port are used");
  }
  std::string host(url.host());
  if (!url.is_https() && !url.authority().is_loopback()) {
    assembly.error(option,
                   option + ": " + host +
                       " is not a loopback address, and records carry everybody's "
                       "tokens: they cross a network in TLS only",
                   "write an https URL");
    return;
  }
  assembly.settings().databroker.addresses.push_back(
      {.host_and_port = host + ":" + std::to_string(url.port()), .clear_text = !url.is_https()});
}

// The internal URL is how other services of a deployment reach it, so it goes first.
void read_databrokers(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  if (inputs.databroker_internal_url) {
    add_databroker(assembly, "databroker_internal_service_url", *inputs.databroker_internal_url);
    return;
  }
  if (inputs.databroker_url) {
    add_databroker(assembly, "databroker_service_url", *inputs.databroker_url);
  }
  for (const std::string& text : inputs.databroker_urls) {
    const auto url = http::Uri::parse(text);
    if (!url) {
      assembly.error("databroker_service_urls",
                     "databroker_service_urls: " + std::string(url.error().message()));
      continue;
    }
    add_databroker(assembly, "databroker_service_urls", *url);
  }
}

// What a node shows to the databroker.
void read_own_certificate(Assembly& assembly) {
  const GlobalInputs& inputs = assembly.inputs();
  const std::string option = "databroker_certificate_file";
  const std::string key_option = "databroker_certificate_key_file";
  if (inputs.databroker_certificate_file.empty() !=
      inputs.databroker_certificate_key_file.empty()) {
    assembly.error(inputs.databroker_certificate_file.empty() ? key_option : option,
                   option + " and " + key_option + " need each other");
    return;
  }
  if (inputs.databroker_certificate_file.empty()) {
    return;
  }
  const Place place = assembly.place_of(option);
  auto certificate = assembly.read_file(option, place, inputs.databroker_certificate_file);
  auto key = assembly.read_file(
      key_option, assembly.place_of(key_option), inputs.databroker_certificate_key_file);
  if (!certificate || !key) {
    return;
  }
  RemoteDatabrokerSettings& made = assembly.settings().databroker;
  made.private_key_pem = Secret(std::string_view(*key));
  wipe(ByteSpan(reinterpret_cast<std::byte*>(key->data()), key->size()));
  const auto matches = crypto::check_key_matches(*certificate, made.private_key_pem);
  if (!matches) {
    assembly.error(option, option + ": " + std::string(matches.error().message()));
    return;
  }
  made.certificate_pem = *std::move(certificate);
}

// What processes that work together must have in common cannot be made up by one of them.
void require_secrets(Assembly& assembly) {
  const Settings& settings = assembly.settings();
  if (assembly.report().has_errors()) {
    return;
  }
  const std::string cure = "make one with: head -c32 /dev/urandom | base64";
  if (!settings.shared_secret) {
    assembly.error("services",
                   "services: some of the services alone need the shared_secret of the processes "
                   "they work with",
                   "write shared_secret or shared_secret_file, the same everywhere; " + cure);
  }
  if (settings.signs_in && settings.answers_people && assembly.has("services") &&
      !settings.cookie.secret && !settings.databroker.addresses.empty()) {
    assembly.error("services",
                   "services: authenticate without databroker needs a cookie_secret, so that a "
                   "sign-in may end at another node than it began",
                   "write cookie_secret or cookie_secret_file; " + cure);
  }
}

}  // namespace

void assemble_services(Assembly& assembly) {
  Settings& settings = assembly.settings();
  const bool is_named = assembly.has("databroker_service_url") ||
                        assembly.has("databroker_service_urls") ||
                        assembly.has("databroker_internal_service_url");
  if (settings.is_split && !settings.keeps_records) {
    read_databrokers(assembly);
    const bool needs_one = settings.forwards || settings.signs_in;
    if (!is_named && needs_one) {
      add_databroker(assembly, "databroker_service_url", *http::Uri::parse(kDefaultDatabroker));
    }
    // Deciding for others alone, without a databroker named: brings the other services along.
    if (!is_named && !needs_one) {
      settings.signs_in = true;
    }
  }
  read_own_certificate(assembly);
  settings.databroker.server_name = assembly.inputs().override_certificate_name;
  if (settings.is_split) {
    require_secrets(assembly);
  }
}

void check_services(Assembly& assembly) {
  const Settings& settings = assembly.settings();
  if (settings.databroker.addresses.empty() || settings.signs_in) {
    return;
  }
  for (const RouteSettings& route : settings.routes) {
    const auto from = http::Uri::parse(route.from.text);
    if (from && settings.authenticate_service_url &&
        from->host() == settings.authenticate_service_url->host()) {
      assembly.report().warn(
          route.place,
          "from",
          "from: nobody signs in through a route: our own paths and cookies are "
          "not forwarded",
          "have " + std::string(from->host()) + " resolve to the process with authenticate");
    }
    if (route.bearer.format != BearerTokenFormat::Default) {
      assembly.report().error(
          route.place,
          "bearer_token_format",
          "bearer_token_format: a token becomes a session, which a process without authenticate "
          "may not write",
          "add authenticate to its services");
    }
  }
}

}  // namespace vallum::config
