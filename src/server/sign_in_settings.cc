#include "server/sign_in_settings.h"

#include <algorithm>

namespace vallum::server {

namespace {

std::vector<std::string> missing_options(const config::Settings& settings) {
  std::vector<std::string> missing;
  if (!settings.authenticate_service_url) {
    missing.emplace_back("authenticate_service_url");
  }
  if (!settings.signs_in && settings.provider.type.empty()) {
    return missing;  // another process asks the provider
  }
  if (settings.provider.type.empty()) {
    missing.emplace_back("idp_provider");
  }
  if (!settings.provider.url) {
    missing.emplace_back("idp_provider_url");
  }
  if (settings.provider.client_id.empty()) {
    missing.emplace_back("idp_client_id");
  }
  return missing;
}

}  // namespace

bool has_provider(const config::Settings& settings) {
  return !settings.provider.type.empty() && missing_options(settings).empty();
}

identity::ProviderSettings provider_settings(const config::Settings& settings) {
  identity::ProviderSettings made;
  made.issuer = settings.provider.issuer;
  made.client_id = settings.provider.client_id;
  made.client_secret = settings.provider.client_secret.clone();
  made.redirect_uri = std::string(settings.authenticate_service_url->origin()) + "/oauth2/callback";
  made.scopes = settings.provider.scopes;
  made.request_params.assign(settings.provider.request_params.begin(),
                             settings.provider.request_params.end());
  return made;
}

authenticate::AuthenticatorSettings authenticator_settings(const config::Settings& settings,
                                                           const crypto::SigningKeys& keys) {
  authenticate::AuthenticatorSettings made;
  made.service_url = settings.authenticate_service_url;
  made.missing_options = missing_options(settings);
  made.signs_in = settings.signs_in;
  made.signout_redirect_url = settings.signout_redirect_url;
  made.programmatic_hosts = settings.programmatic_redirect_domain_whitelist;
  made.allow_any_sign_out_redirect = settings.flags.allow_any_sign_out_redirect_uri;
  made.cookie_name = settings.cookie.name;
  made.cookie_domain = settings.cookie.domain;
  made.cookie_http_only = settings.cookie.http_only;
  // Browsers take a cookie without the attribute for Lax, each in its own way; saying it leaves no
  // doubt.
  made.cookie_same_site = settings.cookie.same_site == codec::SameSite::Unset
                              ? codec::SameSite::Lax
                              : settings.cookie.same_site;
  made.session_lifetime = settings.cookie.expire;
  made.outage_grace = settings.provider.outage_grace;
  for (const config::RouteSettings& route : settings.routes) {
    made.outage_grace = std::min(made.outage_grace, route.outage_grace);
  }
  made.takes_backchannel_logout = settings.provider.backchannel_logout;
  made.takes_frontchannel_logout = settings.provider.frontchannel_logout;
  made.groups_claim = settings.provider.groups_claim;
  made.jwks = keys.jwks();
  made.extra_claims = settings.assertion.extra_claims;
  made.groups_filter = settings.assertion.groups_filter;
  return made;
}

identity::BearerSettings bearer_settings(const config::Settings& settings) {
  return {.issuers = settings.token_issuers,
          .session_lifetime = settings.cookie.expire,
          .groups_claim = settings.provider.groups_claim};
}

refresh::RenewalSettings renewal_settings(const config::Settings& settings) {
  return {.groups_claim = settings.provider.groups_claim};
}

authorize::AuthorizerSettings authorizer_settings(const config::Settings& settings,
                                                  std::string_view idp_id) {
  return {.cookie_name = settings.cookie.name, .idp_id = std::string(idp_id)};
}

}  // namespace vallum::server
