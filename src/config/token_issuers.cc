#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "config/reading.h"
#include "config/row_readers.h"

namespace vallum::config {

namespace {

using codec::Node;
using crypto::JwsAlgorithm;

constexpr crypto::JwsAlgorithmSet kUsualAlgorithms = {
    JwsAlgorithm::Rs256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa};

bool is_issuer_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return c > ' ' && c <= '~' && c != '/' && (c < 'A' || c > 'Z');
  });
}

// Keys must not come over a network that others can write to.
bool is_protected(const http::Uri& url) {
  const std::string_view host = url.host();
  return url.is_https() || url.authority().is_loopback() || host.ends_with(".localhost");
}

// One entry of identity_providers.
class IssuerReader {
 public:
  IssuerReader(Reading& reading, const Node::Member& entry) : reading_(reading), entry_(entry) {
    issuer_.name = entry.key;
    issuer_.algorithms = kUsualAlgorithms;
    issuer_.place = {.source = reading.value().place.source, .at = entry.position};
  }

  // Nothing after a fault.
  std::optional<TokenIssuer> read() && {
    if (!is_issuer_name(issuer_.name)) {
      fault(entry_.value,
            quoted(issuer_.name) + " is not a name for an issuer",
            "use lower-case letters, digits and dashes, no /");
    }
    if (!entry_.value.is_map()) {
      fault(entry_.value, about("is " + std::string(kind_of(entry_.value)) + ", not a mapping"));
      return std::nullopt;
    }
    for (const Node::Member& member : entry_.value.members()) {
      read_member(member);
    }
    check();
    issuer_.id = issuer_.name + " " + issuer_.issuer;
    return good_ ? std::optional(std::move(issuer_)) : std::nullopt;
  }

 private:
  std::string about(std::string_view text) const {
    return quoted(issuer_.name) + ": " + std::string(text);
  }

  void fault(const Node& at, std::string message, std::string cure = {}) {
    good_ = false;
    reading_.fault(at, std::move(message), std::move(cure));
  }

  void read_member(const Node::Member& member) {
    const std::string key = to_lower(member.key);
    if (key == "issuer") {
      good_ = read_into(reading_, member.value, issuer_.issuer) && good_;
    } else if (key == "jwks_url") {
      read_key_url(member.value);
    } else if (key == "supported_algs") {
      read_algorithms(member.value);
    } else if (key == "audiences") {
      good_ = read_into(reading_, member.value, issuer_.audiences) && good_;
    } else {
      reading_.report().unknown(
          {.source = issuer_.place.source, .at = member.position},
          reading_.option(),
          "unknown option " + quoted("identity_providers." + issuer_.name + "." + member.key));
    }
  }

  void read_key_url(const Node& node) {
    good_ = read_into(reading_, node, issuer_.jwks_url) && good_;
    if (issuer_.jwks_url && !is_protected(*issuer_.jwks_url)) {
      fault(node,
            about("jwks_url must be https (http only to a loopback address)"),
            "write an https URL");
    }
  }

  void read_algorithms(const Node& node) {
    std::vector<std::string> names;
    if (!read_into(reading_, node, names)) {
      good_ = false;
      return;
    }
    issuer_.algorithms = {};
    for (const std::string& name : names) {
      const auto algorithm = crypto::parse_jws_algorithm(name);
      if (!algorithm || !crypto::JwsAlgorithmSet::asymmetric().contains(*algorithm)) {
        fault(node,
              about("supported_algs: " + quoted(name) + " has no public key to verify with"),
              "write some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA");
      } else {
        issuer_.algorithms.insert(*algorithm);
      }
    }
    if (names.empty()) {
      fault(node,
            about("supported_algs names no algorithm"),
            "leave the option out for RS256, ES256 and EdDSA");
    }
  }

  void check() {
    check_issuer();
    const bool has_audience =
        !issuer_.audiences.empty() &&
        std::ranges::none_of(issuer_.audiences, [](const auto& a) { return a.empty(); });
    if (!has_audience) {
      fault(entry_.value,
            about("needs an audience, or tokens made for anybody would be taken"),
            "write audiences: [NAME] with the name that tokens for here are asked for");
    }
  }

  void check_issuer() {
    if (issuer_.issuer.empty()) {
      fault(entry_.value, about("issuer must be set"), "write the text of the tokens' iss");
      return;
    }
    if (issuer_.issuer.starts_with("kubernetes:")) {
      fault(entry_.value,
            about("the in-cluster issuer of Kubernetes is not available"),
            "write the https issuer of the cluster, with jwks_url or discovery that this process "
            "can reach (kubectl get --raw /.well-known/openid-configuration)");
      return;
    }
    const auto url = http::Uri::parse(issuer_.issuer);
    if (!url || !is_protected(*url) || url->query() || url->fragment()) {
      fault(entry_.value,
            about("issuer " + quoted(issuer_.issuer) +
                  " is not an https URL without query (http only to a loopback address)"));
    }
  }

  Reading& reading_;
  const Node::Member& entry_;
  TokenIssuer issuer_;
  bool good_ = true;
};

}  // namespace

void read_token_issuers(Reading& reading, const Value& value, GlobalTarget& target) {
  const Node& node = *value.node;
  if (!node.is_map()) {
    reading.fault(node,
                  std::string(kind_of(node)) + " is not a mapping of issuers",
                  "write NAME: {issuer: URL, audiences: [NAME]}");
    return;
  }
  if (node.members().size() > TokenIssuer::kMax) {
    reading.fault(node, "more than " + std::to_string(TokenIssuer::kMax) + " issuers");
    return;
  }
  std::vector<TokenIssuer>& issuers = target.settings.token_issuers;
  for (const Node::Member& entry : node.members()) {
    std::optional<TokenIssuer> issuer = IssuerReader(reading, entry).read();
    if (!issuer) {
      continue;
    }
    // The issuer of a token alone decides whose keys verify it.
    const auto twin = std::ranges::find(issuers, issuer->issuer, &TokenIssuer::issuer);
    if (twin != issuers.end()) {
      reading.fault(entry.value,
                    quoted(entry.key) + " has the issuer of " + quoted(twin->name),
                    "write one entry for both, with the audiences of both");
      continue;
    }
    issuers.push_back(*std::move(issuer));
  }
}

}  // namespace vallum::config
