#pragma once

#include <string>

#include "authenticate/authenticator.h"
#include "authorize/authorizer.h"
#include "config/settings.h"
#include "crypto/jose/signing_key.h"
#include "identity/bearer/bearer_tokens.h"
#include "identity/provider.h"
#include "refresh/renewal.h"

namespace vallum::server {

// What each part needs to know of the settings, in its own terms.

// Whether somebody could sign in at all.
bool has_provider(const config::Settings& settings);
// Requires has_provider().
identity::ProviderSettings provider_settings(const config::Settings& settings);
authenticate::AuthenticatorSettings authenticator_settings(const config::Settings& settings,
                                                           const crypto::SigningKeys& keys);
identity::BearerSettings bearer_settings(const config::Settings& settings);
refresh::RenewalSettings renewal_settings(const config::Settings& settings);

authorize::AuthorizerSettings authorizer_settings(const config::Settings& settings,
                                                  std::string_view idp_id);

}  // namespace vallum::server
