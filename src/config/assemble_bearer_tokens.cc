#include <algorithm>
#include <utility>

#include "config/assembly.h"
#include "config/reading.h"

namespace vallum::config {

namespace {

// Whether anybody could sign in, and so whether there is a provider whose tokens could be taken.
bool has_provider(const Settings& settings) {
  return settings.authenticate_service_url && !settings.provider.type.empty() &&
         settings.provider.url && !settings.provider.client_id.empty();
}

// One route, as the functions below need it.
class BearerAssembly {
 public:
  BearerAssembly(Assembly& assembly, RouteTarget& target)
      : assembly_(assembly), target_(target), rules_(target.route.bearer) {}

  void run() {
    const Settings& settings = assembly_.settings();
    rules_.format = target_.inputs.bearer_token_format.value_or(
        settings.bearer_token_format.value_or(BearerTokenFormat::Default));
    switch (rules_.format) {
      case BearerTokenFormat::Default:
        break;
      case BearerTokenFormat::IdpAccessToken:
        rules_.audiences = std::move(target_.inputs.access_token_audiences);
        if (!rules_.audiences) {
          rules_.audiences = settings.access_token_audiences;
        }
        check_provider();
        break;
      case BearerTokenFormat::IdpIdentityToken:
        check_provider();
        break;
      case BearerTokenFormat::Jwt:
        take_issuers();
        break;
    }
    if (rules_.format != BearerTokenFormat::Jwt && !target_.inputs.issuer_names.empty()) {
      error("identity_providers",
            "has a meaning only beside bearer_token_format: jwt",
            "write bearer_token_format: jwt, or leave the option out");
    }
  }

 private:
  // Where the route says it, or where it was said for all.
  Place place_of(std::string_view option) const {
    const auto own = target_.route.places.find(option);
    if (own != target_.route.places.end()) {
      return own->second;
    }
    const Settings& settings = assembly_.settings();
    const auto global = settings.places.find(option);
    return global == settings.places.end() ? target_.route.place : global->second;
  }
  void error(std::string_view option, const std::string& message, std::string cure) {
    const std::string name = target_.name + "." + std::string(option);
    assembly_.report().error(place_of(option), name, name + ": " + message, std::move(cure));
  }

  void check_provider() {
    rules_.client_id = assembly_.settings().provider.client_id;
    if (!has_provider(assembly_.settings()) && !assembly_.report().has_errors()) {
      const std::string name = target_.name + ".bearer_token_format";
      assembly_.report().warn(
          place_of("bearer_token_format"),
          name,
          name + ": there is no identity provider of yours, so every bearer token is refused",
          "write authenticate_service_url and the idp_ options");
    }
  }

  void take_issuers() {
    const std::vector<TokenIssuer>& known = assembly_.settings().token_issuers;
    const std::vector<std::string>& names = target_.inputs.issuer_names;
    if (known.empty()) {
      // A mistake in the option was reported already.
      if (!assembly_.has("identity_providers") || !assembly_.report().has_errors()) {
        error("bearer_token_format",
              "jwt needs somebody whose tokens are taken",
              "write identity_providers: {NAME: {issuer: URL, audiences: [NAME]}}");
      }
      return;
    }
    for (const std::string& name : names) {
      if (std::ranges::find(known, name, &TokenIssuer::name) == known.end() &&
          !assembly_.report().has_errors()) {
        error("identity_providers",
              quoted(name) + " is not one of identity_providers",
              "write one of the names that identity_providers has at the top");
      }
    }
    for (const TokenIssuer& issuer : known) {
      if (names.empty() || std::ranges::find(names, issuer.name) != names.end()) {
        rules_.issuers.push_back({.id = issuer.id, .audiences = issuer.audiences});
      }
    }
  }

  Assembly& assembly_;
  RouteTarget& target_;
  BearerRules& rules_;
};

}  // namespace

void assemble_bearer_tokens(Assembly& assembly, RouteTarget& target) {
  BearerAssembly(assembly, target).run();
}

}  // namespace vallum::config
