#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/reading.h"
#include "config/settings.h"
#include "crypto/chain/name_patterns.h"
#include "policy/compiler.h"

// What the rows of the table fill: the settings themselves, and beside them the options that become
// settings only together with others.
namespace vallum::config {

struct CertificateFiles {
  std::string cert;
  std::string key;
  Place place;
  Place key_place;
};

struct GlobalInputs {
  std::vector<std::string> services;

  std::string certificate;
  Secret certificate_key;
  std::string certificate_file;
  std::string certificate_key_file;
  std::vector<CertificateFiles> certificates;
  std::string certificate_authority;
  std::string certificate_authority_file;

  std::string client_ca;
  std::string client_ca_file;
  std::string client_crl;
  std::string client_crl_file;
  std::vector<crypto::NamePattern> client_names;
  std::uint32_t client_verify_depth = 1;

  std::vector<Secret> shared_secret;
  std::string shared_secret_file;
  std::vector<Secret> cookie_secret;
  std::string cookie_secret_file;
  Secret signing_key;
  std::string signing_key_file;
  std::string idp_client_secret_file;

  std::vector<std::string> ext_authz_peers;
  std::string ext_authz_client_ca;
  std::string ext_authz_client_ca_file;
  std::string databroker_client_ca;
  std::string databroker_client_ca_file;
  std::optional<http::Uri> databroker_url;
  std::vector<std::string> databroker_urls;
  std::optional<http::Uri> databroker_internal_url;
  std::string databroker_certificate_file;
  std::string databroker_certificate_key_file;
  std::string override_certificate_name;

  std::string storage_type;
  Secret storage_location;  // a PostgreSQL URL would hold a password
  std::string storage_location_file;
  std::vector<Secret> encryption_keys;  // as they are written

  std::optional<std::vector<std::string>> access_log_fields;
  std::optional<std::vector<std::string>> authorize_log_fields;
  std::map<std::string, std::string> log_field_policies;
  std::map<std::string, std::string> policy_records;

  std::optional<std::vector<HeaderLine>> set_response_headers;
  std::vector<std::string> allow_upgrades;

  std::vector<Value> policy;  // the list of routes under its older name
  std::vector<Value> routes;
};

struct GlobalTarget {
  Settings settings;
  GlobalInputs inputs;
  // Where what is missing is reported.
  Place beginning;
};

struct RouteInputs {
  std::optional<bool> pass_identity_headers;
  std::optional<IssuerFormat> issuer_format;
  std::vector<std::string> groups_filter;
  Secret kubernetes_token;
  bool google_serverless = false;
  std::vector<HeaderLine> set_request_headers;
  std::optional<std::vector<HeaderLine>> set_response_headers;
  std::optional<Duration> idp_outage_grace;
  std::optional<Duration> timeout;
  bool allow_websockets = false;
  std::optional<std::vector<std::string>> allow_upgrades;
  std::string tls_upstream_server_name;
  std::string tls_server_name;
  std::string tls_custom_ca;
  std::string tls_custom_ca_file;
  std::string tls_downstream_client_ca;
  std::string tls_downstream_client_ca_file;
  policy::Quirks policy_quirks = policy::Quirks::Required;
  bool show_error_details = false;
  std::optional<BearerTokenFormat> bearer_token_format;
  std::optional<std::vector<std::string>> access_token_audiences;
  std::vector<std::string> issuer_names;  // identity_providers
  // The policy keys with their values in the types that policy::parse_route() wants.
  std::vector<codec::Node::Member> policy_keys;
  // The URLs of `to` as written, without their weights, and the weights (0: none).
  std::vector<std::string> to_texts;
  std::vector<std::uint32_t> to_weights;
  // The path of the first of them.
  std::string first_path;
  // Part of the id though they are not built.
  std::string regex;
  const codec::Node* redirect = nullptr;
  const codec::Node* response = nullptr;
  const codec::Node* tests = nullptr;
  const codec::Node* shadow_policy = nullptr;
};

struct RouteTarget {
  std::string name;  // "routes[2]"
  RouteSettings route;
  RouteInputs inputs;
};

}  // namespace vallum::config
