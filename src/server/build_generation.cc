#include "server/build_generation.h"

#include <algorithm>
#include <utility>

#include "crypto/x509.h"
#include "route/settings_table.h"
#include "tls/certificate_store.h"
#include "tls/client_context.h"

namespace vallum::server {

namespace {

using config::RouteSettings;
using config::Settings;

std::vector<std::string> header_names(const std::vector<config::HeaderLine>& lines) {
  std::vector<std::string> names;
  names.reserve(lines.size());
  for (const config::HeaderLine& line : lines) {
    names.push_back(line.name);
  }
  return names;
}

proxy::Limits limits_of(const Settings& settings, unsigned cores) {
  proxy::Limits limits;
  limits.request_head = {.request_line_bytes_max = settings.limits.request_line_bytes_max,
                         .head_bytes_max = settings.limits.request_header_bytes_max,
                         .fields_max = settings.limits.request_headers_max,
                         .underscore_names = settings.underscore_names};
  limits.header_timeout = settings.limits.header_timeout;
  limits.read_timeout = settings.timeout_read;
  limits.write_timeout = settings.timeout_write;
  limits.idle_timeout = settings.timeout_idle;
  limits.handshake_timeout = settings.limits.tls_handshake_timeout;
  limits.stream_idle_timeout = settings.limits.stream_idle_timeout;
  limits.connect_timeout = settings.limits.connect_timeout;
  limits.connections_max =
      std::max<std::size_t>(1, settings.limits.connections_max / std::max(1U, cores));
  return limits;
}

// Trust for one upstream: its own authority replaces every other.
class UpstreamTrust {
 public:
  static Result<UpstreamTrust> make(const Settings& settings, std::vector<std::string>* warnings) {
    TRY(async::Snapshot<tls::TrustRoots> roots,
        tls::TrustRoots::system(settings.certificate_authority_pem, warnings));
    return UpstreamTrust(std::move(roots));
  }

  Result<async::Snapshot<tls::ClientContext>> context_for(const RouteSettings& route) const {
    tls::ClientContext::Options options{.roots = roots_};
    if (!route.tls_custom_ca_pem.empty()) {
      TRY(options.roots, tls::TrustRoots::only(route.tls_custom_ca_pem));
    }
    options.verify = route.tls_skip_verify ? tls::Verify::Nothing : tls::Verify::ChainAndName;
    return tls::ClientContext::make(std::move(options));
  }

 private:
  explicit UpstreamTrust(async::Snapshot<tls::TrustRoots> roots) : roots_(std::move(roots)) {}
  async::Snapshot<tls::TrustRoots> roots_;
};

Result<upstream::Target> target_of(const RouteSettings& route, const UpstreamTrust& trust) {
  std::vector<upstream::Endpoint> endpoints;
  async::Snapshot<tls::ClientContext> context;
  for (const config::Destination& destination : route.to) {
    std::string_view host = destination.authority.host();
    if (host.starts_with('[')) {
      host = host.substr(1, host.size() - 2);
    }
    upstream::Endpoint endpoint{.host = std::string(host), .port = destination.port};
    if (destination.is_tls) {
      if (context == nullptr) {
        TRY(context, trust.context_for(route));
      }
      endpoint.tls = context;
      endpoint.tls_server_name =
          route.tls_server_name.empty() ? destination.server_name : route.tls_server_name;
    }
    endpoints.push_back(std::move(endpoint));
  }
  return upstream::Target(std::move(endpoints));
}

proxy::ForwardRules rules_of(const RouteSettings& route, const Settings& settings) {
  proxy::ForwardRules rules;
  if (!route.preserve_host_header && !route.to.empty()) {
    rules.upstream_host = route.to.front().host_header;
  }
  rules.set_request_headers = route.set_request_headers;
  rules.set_response_headers = route.set_response_headers;
  rules.set_response_names = proxy::NameSet(header_names(route.set_response_headers));
  std::vector<std::string> reserved;
  reserved.reserve(route.set_request_headers.size() + 1);
  for (const config::RequestHeader& header : route.set_request_headers) {
    reserved.push_back(header.name);
  }
  if (route.is_kubernetes) {
    reserved.emplace_back("authorization");
  }
  if (!route.serverless_audience.empty()) {
    reserved.emplace_back("x-serverless-authorization");
  }
  for (const config::ClaimHeader& header : settings.claim_headers) {
    reserved.push_back(header.header);
  }
  reserved.insert(
      reserved.end(), route.remove_request_headers.begin(), route.remove_request_headers.end());
  rules.not_from_client = proxy::NameSet(reserved);
  rules.timeout = route.timeout;
  rules.idle_timeout = route.idle_timeout.value_or(settings.limits.stream_idle_timeout);
  rules.allow_websockets = route.allow_websockets;
  rules.allow_spdy = route.allow_spdy;
  return rules;
}

Result<proxy::Route> make_route(const RouteSettings& route,
                                const Settings& settings,
                                const UpstreamTrust& trust) {
  proxy::Route made;
  made.checksum = route.checksum;
  made.settings = &route;
  made.cluster = (route.name.empty() ? std::string("route") : route.name) + "-" + route.id;
  made.forward = rules_of(route, settings);
  if (!route.to.empty()) {
    Result<upstream::Target> target = target_of(route, trust);
    if (!target) {
      return fail(target.error().with_context(settings.where(route, "tls_custom_ca")));
    }
    made.target = *std::move(target);
  }
  return made;
}

// The configured certificates, or one that nobody vouches for: answering with that says more than a
// reset.
Result<async::Snapshot<tls::CertificateStore>> make_store(const Settings& settings,
                                                          const GenerationContext& context,
                                                          std::vector<std::string>* warnings) {
  std::vector<tls::CertificateSource> sources;
  sources.reserve(settings.certificates.size());
  for (const config::CertificatePair& pair : settings.certificates) {
    sources.push_back({.name = pair.name,
                       .certificate_pem = pair.certificate_pem,
                       .private_key_pem = pair.private_key_pem.clone()});
  }
  if (sources.empty()) {
    constexpr auto kDay = std::chrono::hours(24);
    TRY(crypto::CertifiedKey made,
        crypto::generate_self_signed({.common_name = "vallum",
                                      .dns_names = {"*"},
                                      .ip_addresses = {},
                                      .not_before = context.now - kDay,
                                      .not_after = context.now + 365 * kDay},
                                     context.entropy));
    sources.push_back({.name = "self-signed",
                       .certificate_pem = std::move(made.certificate_pem),
                       .private_key_pem = std::move(made.private_key_pem)});
    warnings->emplace_back(
        "no certificate is configured: clients get a self-signed one; set certificate_file and "
        "certificate_key_file");
  }
  TRY(async::Snapshot<tls::CertificateStore> store,
      tls::CertificateStore::make(std::move(sources), context.now));
  warnings->insert(warnings->end(), store->warnings().begin(), store->warnings().end());
  return store;
}

// What the handshake asks of browsers.
tls::ClientCertificates clients_of(const Settings& settings) {
  const config::ClientCertificateSettings& clients = settings.client_certificates;
  return {.authorities = clients.all,
          .required = clients.all != nullptr &&
                      clients.enforcement == config::Enforcement::RejectConnection};
}

// And of other proxies: all or nothing, by authorities of their own.
Result<tls::ClientCertificates> peers_of(const Settings& settings) {
  const std::string_view pem = settings.ext_authz.client_ca_pem;
  if (pem.empty()) {
    return tls::ClientCertificates();
  }
  Result<crypto::ClientAuthorities> made = crypto::ClientAuthorities::make(
      std::span(&pem, 1), {.lists = nullptr, .names = {}, .depth_max = 0});
  if (!made) {
    return fail(made.error().with_context("ext_authz_client_ca"));
  }
  return tls::ClientCertificates{
      .authorities = async::make_snapshot<crypto::ClientAuthorities>(*std::move(made)),
      .required = true};
}

}  // namespace

Result<async::Snapshot<proxy::Generation>> build_generation(
    const async::Snapshot<config::Settings>& settings,
    const GenerationContext& context,
    std::vector<std::string>* warnings) {
  TRY(route::RouteTable table, route::make_table(*settings));
  async::Snapshot<tls::ServerContext> tls;
  async::Snapshot<tls::ServerContext> forward_auth_tls;
  if (context.speaks_tls) {
    TRY(const async::Snapshot<tls::CertificateStore> store,
        make_store(*settings, context, warnings));
    TRY(tls, tls::ServerContext::make(store, {"http/1.1"}, clients_of(*settings)));
    if (settings->ext_authz.forward_auth_address) {
      TRY(tls::ClientCertificates peers, peers_of(*settings));
      TRY(forward_auth_tls, tls::ServerContext::make(store, {"http/1.1"}, std::move(peers)));
    }
  }
  TRY(const UpstreamTrust trust, UpstreamTrust::make(*settings, warnings));
  proxy::Generation generation{.id = static_cast<policy::GenerationId>(context.number),
                               .settings = settings,
                               .table = std::move(table),
                               .routes = {},
                               .forward = {.cookie_name = settings->cookie.name,
                                           .append_forwarded_for = !settings->skip_xff_append,
                                           .trusted_hops = settings->xff_num_trusted_hops},
                               .normalize = settings->normalize,
                               .limits = limits_of(*settings, context.cores),
                               .tls = std::move(tls),
                               .forward_auth_tls = std::move(forward_auth_tls),
                               .own_response_headers = settings->set_response_headers};
  for (const RouteSettings& route : settings->routes) {
    TRY(proxy::Route made, make_route(route, *settings, trust));
    generation.routes.push_back(std::move(made));
  }
  return async::make_snapshot<proxy::Generation>(std::move(generation));
}

}  // namespace vallum::server
