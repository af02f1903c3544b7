#include "scenario/assumption.h"

namespace vallum::scenario {

Result<void> set_path(Attempt& attempt,
                      std::string_view path,
                      const http::NormalizeOptions& options) {
  std::string scratch;
  TRY(const http::NormalizedTarget target, http::normalize_target(path, options, scratch));
  std::string decoded;
  attempt.decoded_path = http::decode_path(target.path, decoded);
  attempt.path = target.path;
  return {};
}

Assumption::Assumption(std::optional<Person> person, Attempt attempt)
    : person_(std::move(person)), attempt_(std::move(attempt)) {
  facts_.request = {.method = attempt_.method,
                    .path = attempt_.decoded_path,
                    .origin = attempt_.origin,
                    .access_control_request_method = attempt_.access_control_request_method,
                    .client_ip = attempt_.ip};
  facts_.now = attempt_.at;
  if (person_) {
    add_session();
    facts_.session = &session_;
  }
}

void Assumption::add_session() {
  policy::ClaimTable::Builder claims;
  for (const auto& [name, values] : person_->claims) {
    claims.set(name, values);
  }
  claims_ = std::move(claims).build();
  session_.user_id = person_->user_id;
  session_.user_email = person_->email;
  session_.claims = claims_.view();
  for (const PersonalDevice& device : person_->devices) {
    devices_.push_back({.type_id = device.type,
                        .credential_id = device.id,
                        .is_recorded = true,
                        .enrollment = device.enrollment});
  }
  session_.devices = devices_;
  for (const auto& [type, fields] : person_->records) {
    if (fields.is_map()) {
      records_.add(type, fields);
    } else {
      records_.add_missing(type);
    }
  }
  session_.records = records_.view();
  if (person_->groups) {
    groups_ = policy::ValueList::of_strings(*person_->groups);
    directory_ = {.email = {}, .groups = groups_.values()};
    session_.directory = &directory_;
  }
}

}  // namespace vallum::scenario
