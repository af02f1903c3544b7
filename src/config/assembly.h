#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/load.h"
#include "config/targets.h"

// The second half of a load: options that become settings only together with others.
namespace vallum::config {

// Reports about options and reads the files they name.
class Assembly {
 public:
  Assembly(GlobalTarget& target, Report& report, const LoadContext& context)
      : target_(target), report_(report), context_(context) {}

  Settings& settings() { return target_.settings; }
  GlobalInputs& inputs() { return target_.inputs; }
  Report& report() { return report_; }
  WallTime now() const { return context_.now; }
  bool keeps_written_policies() const { return context_.keep_written_policies; }

  bool has(std::string_view option) const { return target_.settings.places.contains(option); }
  // Where the option was given, else the beginning of the configuration's text.
  Place place_of(std::string_view option) const;
  void error(std::string_view option, std::string message, std::string cure = {});
  void warn(std::string_view option, std::string message, std::string cure = {});

  // The content of a file an option names; reports and gives nothing when it cannot be read.
  std::optional<std::string> read_file(std::string_view option,
                                       Place place,
                                       const std::string& path);
  // The text of an option that may also be given as a file, which wins, without surrounding white
  // space in a file. Nothing when neither is given, or after a report.
  std::optional<Secret> secret_of(std::string_view option,
                                  Secret& inline_text,
                                  const std::string& file);
  // The text of a file without surrounding white space. Nothing after a report.
  std::optional<Secret> secret_in_file(const std::string& option, const std::string& path);
  // Null when the environment has none of that name.
  const std::string* variable(std::string_view name) const {
    return context_.environment.find(name);
  }
  // Base64 of PEM certificates, decoded and checked. Nothing after a report.
  std::optional<std::string> certificates_of_base64(const std::string& option,
                                                    Place place,
                                                    std::string_view text);
  // Reports PEM text without a certificate that can be read.
  bool check_certificates(const std::string& option, Place place, std::string_view pem);

 private:
  GlobalTarget& target_;
  Report& report_;
  const LoadContext& context_;
};

// In this order.
void assemble_process(Assembly& assembly);
void assemble_secrets(Assembly& assembly);
void assemble_storage(Assembly& assembly);
void assemble_certificates(Assembly& assembly);
void assemble_sign_in(Assembly& assembly);
void assemble_response_headers(Assembly& assembly);
void assemble_assertion(Assembly& assembly);
void assemble_records(Assembly& assembly);
void assemble_policy_records(Assembly& assembly);
// Which databroker is asked, and what a process of some of the services needs. After the secrets.
void assemble_services(Assembly& assembly);
// After the certificates and the services.
void assemble_ext_authz(Assembly& assembly);
// Who vouches for clients, of the process and of all routes: what a route's policy is made of
// depends on whether any of them names an authority.
void assemble_client_certificates(Assembly& assembly, std::span<RouteTarget> routes);
// Which bearer tokens a route takes. Part of assemble_route().
void assemble_bearer_tokens(Assembly& assembly, RouteTarget& target);
// Per route, once the options of all were read.
void assemble_route(Assembly& assembly, RouteTarget& target);
// What holds between routes, and between routes and options of the process.
void check_routes(Assembly& assembly);
// What some of the services alone cannot do for routes.
void check_services(Assembly& assembly);

// Adds ids to the groups that are told, which stay sorted.
void add_groups(AssertionRules& rules, std::vector<std::string> groups);

// The reference's rule: a key "disable" empties the whole set.
std::vector<HeaderLine> without_disabled(std::vector<HeaderLine> headers);

}  // namespace vallum::config
