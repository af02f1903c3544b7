#include "identity/metadata.h"

#include <algorithm>
#include <utility>

#include "codec/json.h"
#include "identity/limits.h"

namespace vallum::identity {
namespace {

using codec::Node;

Unexpected unusable(std::string text) {
  return fail(ErrorKind::InvalidInput, std::move(text));
}

// Tokens and keys travel to and from here, so a provider with https may not send us elsewhere by
// plain http.
bool is_protected(const http::Uri& url, bool plain_loopback_allowed) {
  return url.is_https() || (plain_loopback_allowed && url.authority().is_loopback());
}

class Reader {
 public:
  Reader(const Node& root, const http::Uri& issuer)
      : root_(root), plain_loopback_allowed_(!issuer.is_https()) {}

  Result<std::optional<http::Uri>> optional_url(std::string_view name) const {
    const Node* member = root_.find(name);
    if (member == nullptr || member->is_null()) {
      return std::nullopt;
    }
    auto url = http::Uri::parse(member->is_string() ? std::string_view(member->text()) : "");
    if (!url) {
      return unusable("provider metadata: '" + std::string(name) + "' is not a URL");
    }
    if (!is_protected(*url, plain_loopback_allowed_)) {
      return unusable("provider metadata: '" + std::string(name) +
                      "' is not https; tokens and keys would travel in the clear");
    }
    return *std::move(url);
  }

  Result<http::Uri> url(std::string_view name) const {
    TRY(auto found, optional_url(name));
    if (!found) {
      return unusable("provider metadata: '" + std::string(name) + "' is missing");
    }
    return *std::move(found);
  }

  // Whether the list has this text; the fallback when there is no such list.
  bool lists(std::string_view name, std::string_view text, bool fallback) const {
    const Node* member = root_.find(name);
    if (member == nullptr || !member->is_list()) {
      return fallback;
    }
    return std::ranges::any_of(
        member->items(), [&](const Node& item) { return item.is_string() && item.text() == text; });
  }

  Result<crypto::JwsAlgorithmSet> algorithms() const {
    const Node* member = root_.find("id_token_signing_alg_values_supported");
    if (member == nullptr) {
      return crypto::JwsAlgorithmSet{crypto::JwsAlgorithm::Rs256};
    }
    crypto::JwsAlgorithmSet found;
    for (const Node& item : member->items()) {
      const auto algorithm = crypto::parse_jws_algorithm(item.text());
      if (algorithm && crypto::JwsAlgorithmSet::asymmetric().contains(*algorithm)) {
        found.insert(*algorithm);
      }
    }
    if (found.empty()) {
      return unusable(
          "provider metadata: ID tokens are signed with no algorithm that has a public "
          "key (RS, PS, ES or EdDSA)");
    }
    return found;
  }

  Result<ClientAuthentication> client_authentication(bool has_secret) const {
    constexpr std::string_view kName = "token_endpoint_auth_methods_supported";
    if (!has_secret) {
      return ClientAuthentication::None;
    }
    if (lists(kName, "client_secret_basic", true)) {
      return ClientAuthentication::SecretBasic;
    }
    if (lists(kName, "client_secret_post", false)) {
      return ClientAuthentication::SecretPost;
    }
    return unusable("provider metadata: the token endpoint takes no client secret");
  }

 private:
  const Node& root_;
  bool plain_loopback_allowed_;
};

}  // namespace

Result<http::Uri> parse_issuer(std::string_view issuer) {
  auto url = http::Uri::parse(issuer);
  if (!url) {
    return unusable("provider URL: " + std::string(url.error().message()));
  }
  if (!is_protected(*url, true)) {
    return unusable("provider URL: must be https (http only to a loopback address)");
  }
  if (url->query() || url->fragment()) {
    return unusable("provider URL: must have no query and no fragment");
  }
  return url;
}

Result<http::Uri> metadata_url(std::string_view issuer) {
  if (issuer.ends_with('/')) {
    issuer.remove_suffix(1);
  }
  return http::Uri::parse(std::string(issuer) + "/.well-known/openid-configuration");
}

namespace {

// The document, when it is this issuer's.
Result<Node> parse_document(std::string_view json, std::string_view issuer) {
  const codec::ReadLimits limits{
      .bytes_max = Limits::kMetadataBytesMax, .depth_max = 16, .nodes_max = 20'000};
  auto root = codec::parse_json(json, limits, codec::DuplicateKeys::Refuse);
  if (!root) {
    return unusable("provider metadata: not JSON: " + root.error().text);
  }
  const Node* named = root->find("issuer");
  if (named == nullptr || named->text() != issuer) {
    return unusable("provider metadata: 'issuer' is '" +
                    (named == nullptr ? std::string() : named->text().substr(0, 200)) +
                    "', configured is '" + std::string(issuer) +
                    "'; they must be equal to the last character");
  }
  return *std::move(root);
}

}  // namespace

Result<http::Uri> parse_keys_location(std::string_view json, std::string_view issuer) {
  TRY(const http::Uri issuer_url, parse_issuer(issuer));
  TRY(const Node root, parse_document(json, issuer));
  return Reader(root, issuer_url).url("jwks_uri");
}

Result<Metadata> parse_metadata(std::string_view json, std::string_view issuer, bool has_secret) {
  TRY(const http::Uri issuer_url, parse_issuer(issuer));
  TRY(const Node root, parse_document(json, issuer));
  const Reader reader(root, issuer_url);
  TRY(http::Uri authorization, reader.url("authorization_endpoint"));
  TRY(http::Uri token, reader.url("token_endpoint"));
  TRY(http::Uri jwks, reader.url("jwks_uri"));
  TRY(auto userinfo, reader.optional_url("userinfo_endpoint"));
  TRY(auto end_session, reader.optional_url("end_session_endpoint"));
  TRY(auto revocation, reader.optional_url("revocation_endpoint"));
  TRY(auto introspection, reader.optional_url("introspection_endpoint"));
  TRY(const auto algorithms, reader.algorithms());
  TRY(const auto authentication, reader.client_authentication(has_secret));
  const Node* names_issuer = root.find("authorization_response_iss_parameter_supported");
  return Metadata{.issuer = std::string(issuer),
                  .authorization_endpoint = std::move(authorization),
                  .token_endpoint = std::move(token),
                  .jwks_uri = std::move(jwks),
                  .userinfo_endpoint = std::move(userinfo),
                  .end_session_endpoint = std::move(end_session),
                  .revocation_endpoint = std::move(revocation),
                  .introspection_endpoint = std::move(introspection),
                  .algorithms = algorithms,
                  .client_authentication = authentication,
                  .answers_name_issuer = names_issuer != nullptr && names_issuer->is_bool() &&
                                         names_issuer->as_bool()};
}

}  // namespace vallum::identity
