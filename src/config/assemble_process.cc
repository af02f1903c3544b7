#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "config/assembly.h"
#include "crypto/x509.h"

namespace vallum::config {

namespace {

void add_certificate(Assembly& assembly, CertificatePair pair, const std::string& option) {
  const std::string what = option + ": " + (pair.name == option ? "" : pair.name + ": ");
  const auto facts = crypto::read_certificates(pair.certificate_pem);
  if (!facts) {
    assembly.report().error(pair.place, option, what + std::string(facts.error().message()));
    return;
  }
  const auto matches = crypto::check_key_matches(pair.certificate_pem, pair.private_key_pem);
  if (!matches) {
    assembly.report().error(pair.place, option, what + std::string(matches.error().message()));
    return;
  }
  const crypto::CertificateFacts& leaf = facts->front();
  if (leaf.not_after < assembly.now()) {
    assembly.report().warn(pair.place, option, what + "the certificate has expired");
  } else if (leaf.not_before > assembly.now()) {
    assembly.report().warn(pair.place, option, what + "the certificate is not valid yet");
  }
  assembly.settings().certificates.push_back(std::move(pair));
}

void add_certificate_files(Assembly& assembly,
                           const CertificateFiles& files,
                           const std::string& option,
                           const std::string& key_option) {
  auto certificate = assembly.read_file(option, files.place, files.cert);
  auto key = assembly.read_file(key_option, files.key_place, files.key);
  if (!certificate || !key) {
    return;
  }
  CertificatePair pair{.certificate_pem = *std::move(certificate),
                       .private_key_pem = Secret(*key),
                       .place = files.place,
                       .name = files.cert};
  wipe(ByteSpan(reinterpret_cast<std::byte*>(key->data()), key->size()));
  add_certificate(assembly, std::move(pair), option);
}

void add_inline_certificate(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  const bool has_certificate = !inputs.certificate.empty();
  if (has_certificate != !inputs.certificate_key.empty()) {
    assembly.error(has_certificate ? "certificate" : "certificate_key",
                   "certificate and certificate_key need each other");
    return;
  }
  if (!has_certificate) {
    return;
  }
  const auto certificate = codec::decode_base64(trim_space(inputs.certificate), codec::Base64::Std);
  auto key =
      codec::decode_base64(trim_space(inputs.certificate_key.expose_text()), codec::Base64::Std);
  if (!certificate || !key) {
    assembly.error(certificate ? "certificate_key" : "certificate",
                   std::string(certificate ? "certificate_key" : "certificate") +
                       ": is not base64 of PEM text");
    return;
  }
  CertificatePair pair{.certificate_pem = std::string(as_text(*certificate)),
                       .private_key_pem = Secret(*key),
                       .place = assembly.place_of("certificate"),
                       .name = "certificate"};
  wipe(*key);
  add_certificate(assembly, std::move(pair), "certificate");
}

void assemble_authorities(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  std::string& pem = assembly.settings().certificate_authority_pem;
  if (!inputs.certificate_authority.empty()) {
    pem = assembly
              .certificates_of_base64("certificate_authority",
                                      assembly.place_of("certificate_authority"),
                                      inputs.certificate_authority)
              .value_or("");
  }
  if (!inputs.certificate_authority_file.empty()) {
    const std::string option = "certificate_authority_file";
    const Place place = assembly.place_of(option);
    const auto content = assembly.read_file(option, place, inputs.certificate_authority_file);
    if (content && assembly.check_certificates(option, place, *content)) {
      pem.append(pem.empty() ? "" : "\n").append(*content);
    }
  }
}

bool is_hosted(const http::Uri& url) {
  return url.host() == "authenticate.pomerium.app" ||
         url.host() == "authenticate.staging.pomerium.app";
}

constexpr auto kProviders = std::to_array<std::string_view>({"apple",
                                                             "auth0",
                                                             "azure",
                                                             "cognito",
                                                             "github",
                                                             "gitlab",
                                                             "google",
                                                             "hosted",
                                                             "oidc",
                                                             "okta",
                                                             "onelogin",
                                                             "ping"});

// What a self-hosted sign-in needs.
void check_provider(Assembly& assembly) {
  ProviderSettings& provider = assembly.settings().provider;
  if (provider.type.empty() && !assembly.settings().signs_in) {
    return;  // another process signs in
  }
  if (provider.type.empty()) {
    assembly.error(
        "authenticate_service_url",
        "authenticate_service_url: names a sign-in host of yours, so idp_provider must be set",
        "write idp_provider: oidc with idp_provider_url, idp_client_id and idp_client_secret");
    return;
  }
  if (provider.client_id.empty()) {
    assembly.error("idp_provider", "idp_provider: idp_client_id must be set too");
  }
  if (provider.type == "oidc" && !provider.url) {
    assembly.error("idp_provider", "idp_provider: oidc needs idp_provider_url");
  }
  if (provider.url && !provider.url->is_https() && !provider.url->authority().is_loopback()) {
    assembly.warn("idp_provider_url",
                  "idp_provider_url: tokens and secrets cross the network in clear text",
                  "write an https URL");
  }
}

void check_provider_type(Assembly& assembly) {
  const std::string& type = assembly.settings().provider.type;
  if (type.empty() || type == "oidc") {
    return;
  }
  if (std::ranges::find(kProviders, type) == kProviders.end()) {
    assembly.error(
        "idp_provider", "idp_provider: " + quoted(type) + " is not a provider", "write oidc");
    return;
  }
  assembly.warn("idp_provider",
                "idp_provider: " + type + " is not built yet: nobody can sign in",
                "use oidc with idp_provider_url where the provider speaks OpenID Connect");
}

// Security headers of every answer unless the option says otherwise.
std::vector<HeaderLine> default_response_headers(bool with_hsts) {
  std::vector<HeaderLine> headers = {{"X-Frame-Options", "SAMEORIGIN"},
                                     {"X-XSS-Protection", "1; mode=block"}};
  if (with_hsts) {
    headers.push_back(
        {"Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"});
  }
  return headers;
}

}  // namespace

void assemble_process(Assembly& assembly) {
  static constexpr auto kServices =
      std::to_array<std::string_view>({"authenticate", "authorize", "proxy", "databroker"});
  std::map<std::string_view, bool, std::less<>> given;
  for (const std::string& item : assembly.inputs().services) {
    std::string name = to_lower(trim_space(item));
    name = name == "cache" ? "databroker" : name;
    const auto* const known = std::ranges::find(kServices, name);
    if (name == "all") {
      for (const std::string_view service : kServices) {
        given[service] = true;
      }
    } else if (known != kServices.end()) {
      given[*known] = true;
    } else {
      assembly.error("services",
                     "services: " + quoted(item) + " is an invalid service type",
                     "write all, or some of authenticate, authorize, proxy and databroker");
      return;
    }
  }
  Settings& settings = assembly.settings();
  settings.is_split =
      std::ranges::any_of(kServices, [&given](std::string_view name) { return !given[name]; });
  settings.forwards = given["proxy"];
  settings.signs_in = given["authenticate"];
  settings.keeps_records = given["databroker"];
  settings.decides_for_others_alone =
      given["authorize"] && !settings.forwards && !settings.signs_in;
  settings.answers_people = settings.forwards || settings.signs_in || given["authorize"];
}

void assemble_database(Assembly& assembly, std::optional<Secret> location) {
  if (!location) {
    assembly.error("databroker_storage_type",
                   "databroker_storage_type: postgres needs databroker_storage_connection_string");
    return;
  }
  // One made here would be this machine's alone, and the database could be read by no other.
  if (!assembly.settings().shared_secret) {
    assembly.error("databroker_storage_type",
                   "databroker_storage_type: postgres needs shared_secret, the same on every node");
  }
  assembly.settings().storage.database = *std::move(location);
}

void assemble_storage(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  StorageSettings& storage = assembly.settings().storage;
  auto location = assembly.secret_of("databroker_storage_connection_string",
                                     inputs.storage_location,
                                     inputs.storage_location_file);
  if (inputs.storage_type == "memory") {
    storage.type = StorageType::Memory;
    return;
  }
  if (inputs.storage_type == "postgres") {
    storage.type = StorageType::Postgres;
    assemble_database(assembly, std::move(location));
    return;
  }
  if (inputs.storage_type != "file") {
    assembly.error("databroker_storage_type",
                   "databroker_storage_type: " + quoted(inputs.storage_type) + " is unknown",
                   "write file, memory or postgres");
    return;
  }
  if (!location) {
    return;
  }
  std::string_view path = location->expose_text();
  constexpr std::string_view kScheme = "file://";
  path.remove_prefix(path.starts_with(kScheme) ? kScheme.size() : 0);
  if (path.empty() || path.contains("://") || path.contains('\0')) {
    assembly.error("databroker_storage_connection_string",
                   "databroker_storage_connection_string: is not file://DIR or the path of a "
                   "directory");
    return;
  }
  storage.directory = path;
}

void assemble_certificates(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  add_inline_certificate(assembly);
  for (const CertificateFiles& files : inputs.certificates) {
    add_certificate_files(assembly, files, "certificates", "certificates");
  }
  const bool has_certificate = !inputs.certificate_file.empty();
  if (has_certificate != !inputs.certificate_key_file.empty()) {
    assembly.error(has_certificate ? "certificate_file" : "certificate_key_file",
                   "certificate_file and certificate_key_file need each other");
  } else if (has_certificate) {
    add_certificate_files(assembly,
                          {.cert = inputs.certificate_file,
                           .key = inputs.certificate_key_file,
                           .place = assembly.place_of("certificate_file"),
                           .key_place = assembly.place_of("certificate_key_file")},
                          "certificate_file",
                          "certificate_key_file");
  }
  assemble_authorities(assembly);
}

void assemble_sign_in(Assembly& assembly) {
  Settings& settings = assembly.settings();
  check_provider_type(assembly);
  if (settings.authenticate_service_url && is_hosted(*settings.authenticate_service_url)) {
    settings.authenticate_service_url.reset();
  }
  if (!settings.authenticate_service_url) {
    // A mistake in the option was reported already.
    if (!assembly.report().has_errors()) {
      assembly.warn("authenticate_service_url",
                    "authenticate_service_url: no sign-in host of yours is set, and the hosted "
                    "service cannot be used: nobody can sign in",
                    "write authenticate_service_url with the idp_ options");
    }
    return;
  }
  const http::Uri& url = *settings.authenticate_service_url;
  if (!url.is_https()) {
    assembly.warn("authenticate_service_url",
                  "authenticate_service_url: browsers keep no secure cookies for http",
                  "write an https URL");
  }
  if (url.path_and_query() != "/" || url.fragment()) {
    assembly.warn("authenticate_service_url",
                  "authenticate_service_url: only scheme, host and port are used");
  }
  check_provider(assembly);
}

void assemble_response_headers(Assembly& assembly) {
  Settings& settings = assembly.settings();
  auto& given = assembly.inputs().set_response_headers;
  if (given) {
    settings.set_response_headers = without_disabled(*std::move(given));
    return;
  }
  // A browser that has learnt HSTS shows no way past a certificate nobody vouches for.
  const bool trusted = !settings.certificates.empty() &&
                       std::ranges::none_of(settings.certificates, [](const CertificatePair& pair) {
                         const auto facts = crypto::read_certificates(pair.certificate_pem);
                         return !facts || facts->front().is_self_signed;
                       });
  settings.set_response_headers = default_response_headers(trusted);
}

void assemble_assertion(Assembly& assembly) {
  AssertionRules& rules = assembly.settings().assertion;
  for (const ClaimHeader& header : assembly.settings().claim_headers) {
    rules.extra_claims.push_back(header.claim);
  }
  add_groups(rules, std::exchange(rules.groups_filter, {}));
}

void add_groups(AssertionRules& rules, std::vector<std::string> groups) {
  std::vector<std::string>& filter = rules.groups_filter;
  filter.insert(
      filter.end(), std::make_move_iterator(groups.begin()), std::make_move_iterator(groups.end()));
  std::ranges::sort(filter);
  const auto repeated = std::ranges::unique(filter);
  filter.erase(repeated.begin(), repeated.end());
}

std::vector<HeaderLine> without_disabled(std::vector<HeaderLine> headers) {
  const bool disabled = std::ranges::any_of(
      headers, [](const HeaderLine& header) { return iequals(header.name, "disable"); });
  return disabled ? std::vector<HeaderLine>() : std::move(headers);
}

}  // namespace vallum::config
