#include "dev/configuration.h"

#include <string_view>

#include "codec/json_writer.h"
#include "dev/identity_provider.h"
#include "dev/person.h"

namespace vallum::dev {
namespace {

std::string https_url(std::string_view host, std::uint16_t port) {
  return "https://" + std::string(host) + ".localhost" +
         (port == 443 ? "" : ":" + std::to_string(port));
}

std::string loopback_url(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

// A YAML line whose value may hold any text: JSON strings are YAML.
std::string line(std::string_view key, std::string_view value) {
  std::string out(key);
  out += ": ";
  codec::append_json_string(out, value);
  out += '\n';
  return out;
}

}  // namespace

std::vector<std::string> host_names() {
  return {"app.localhost", "admin.localhost", "authenticate.localhost"};
}

std::string application_url(const ConfigurationPlan& plan) {
  return https_url("app", plan.port);
}

std::string provider_url(const ConfigurationPlan& plan) {
  return loopback_url(plan.provider_port);
}

std::string configuration_yaml(DevelopmentMode /*mode*/, const ConfigurationPlan& plan) {
  std::string out =
      "# Made by `vallum dev`, anew at each start: copy it to begin a configuration of your own.\n";
  out += line("address", "127.0.0.1:" + std::to_string(plan.port));
  out += line("health_check_addr", plan.health_address);
  out += line("certificate_file", plan.certificates.certificate);
  out += line("certificate_key_file", plan.certificates.private_key);
  out += line("authenticate_service_url", https_url("authenticate", plan.port));
  out += "\n# The development identity provider. A real one takes the same options.\n";
  out += line("idp_provider", "oidc");
  out += line("idp_provider_url", provider_url(plan));
  out += line("idp_client_id", IdentityProvider::kClientId);
  out += line("idp_client_secret", IdentityProvider::client_secret(*plan.provider_seed));
  out += "idp_scopes: [openid, profile, email, groups, offline_access]\n";
  out += line("idp_groups_claim", "groups");
  out += '\n';
  out += line("databroker_storage_type", "file");
  out += line("databroker_storage_connection_string", "file://" + plan.store_folder);
  out += "pass_identity_headers: true\n";
  out += "jwt_claims_headers: [email, groups]\n";
  out +=
      "# The defaults without Strict-Transport-Security, which a browser would keep for "
      "localhost.\n";
  out +=
      "set_response_headers:\n  X-Frame-Options: SAMEORIGIN\n  X-XSS-Protection: \"1; "
      "mode=block\"\n";
  out += "\nroutes:\n  # Whoever has signed in.\n";
  out += "  - " + line("from", application_url(plan));
  out += "    " + line("to", loopback_url(plan.application_port));
  out +=
      "    preserve_host_header: true\n    allow_websockets: true\n    policy:\n      - allow:\n   "
      "       or:\n";
  out += "            - authenticated_user: true\n";
  out += "  # Members of one group only: sign in as somebody else to see the difference.\n";
  out += "  - " + line("from", https_url("admin", plan.port));
  out += "    " + line("to", loopback_url(plan.application_port));
  out +=
      "    preserve_host_header: true\n    policy:\n      - allow:\n          or:\n            - "
      "groups:\n";
  out += "                has: admins\n";
  return out;
}

std::string welcome(const ConfigurationPlan& plan) {
  std::string out = "Vallum is running in development mode.\n\n";
  out += "  " + application_url(plan) + "   everybody who has signed in\n";
  out += "  " + https_url("admin", plan.port) + "   the group admins only\n\nSign in as:\n";
  for (const Person& person : default_people()) {
    out += "  " + person.email;
    for (const std::string& group : person.groups) {
      out += (&group == &person.groups.front() ? "   groups: " : ", ") + group;
    }
    out += person.groups.empty() ? "   no groups\n" : "\n";
  }
  out +=
      "\nYour browser will not know the certificate. Accept it once, or trust this authority:\n  " +
      plan.certificates.authority +
      "\n  Chromium, Firefox: import it as an authority in the certificate settings\n"
      "  curl:              curl --cacert " +
      plan.certificates.authority + " " + application_url(plan) + "/\n";
  return out;
}

}  // namespace vallum::dev
