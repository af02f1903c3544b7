#include "admin/health_endpoint.h"

#include <string>
#include <string_view>

#include "admin/plain_answer.h"
#include "codec/json_writer.h"

namespace vallum::admin {

namespace {

using codec::JsonWriter;
using Status = CheckReport::Status;

std::string_view name_of(Status status) {
  switch (status) {
    case Status::Running:
      return "RUNNING";
    case Status::Terminating:
      return "TERMINATING";
    case Status::Unknown:
      break;
  }
  return "UNKNOWN";
}

void append_check(JsonWriter& json, const CheckReport& check) {
  json.begin_object().member("status", name_of(check.status));
  if (!check.error.empty()) {
    json.member("error", check.error);
  }
  if (!check.attributes.empty()) {
    json.key("attributes").begin_array();
    for (const std::string& attribute : check.attributes) {
      json.value(attribute);
    }
    json.end_array();
  }
  json.end_object();
}

// Only the required parts, each of them.
std::string probe_body(const Health& health) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  for (const std::string& name : health.required()) {
    json.any_key(name);
    const auto found = health.checks().find(name);
    if (found != health.checks().end()) {
      append_check(json, found->second);
    } else {
      json.begin_object()
          .member("status", "UNAVAILABLE")
          .member("error", "this part has not reported yet")
          .end_object();
    }
  }
  json.end_object();
  body.push_back('\n');
  return body;
}

// Every part that has reported.
std::string status_body(const Health& health) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("statuses").begin_object();
  for (const auto& [name, check] : health.checks()) {
    json.any_key(name);
    append_check(json, check);
  }
  json.end_object().key("checks").begin_array();
  for (const std::string& name : health.required()) {
    json.value(name);
  }
  json.end_array().end_object();
  body.push_back('\n');
  return body;
}

}  // namespace

http::Response answer_health(const Health& health, const http::Request& request) {
  constexpr std::string_view kJson = "application/json";
  const bool is_probe =
      request.path == "/startupz" || request.path == "/readyz" || request.path == "/healthz";
  if (!is_probe && request.path != "/status") {
    return not_found();
  }
  if (!is_read(request)) {
    return method_not_allowed();
  }
  if (!is_probe) {
    return plain_answer(200, kJson, status_body(health));
  }
  const bool good = request.path == "/startupz" ? health.is_started()
                    : request.path == "/readyz" ? health.is_ready()
                                                : health.is_live();
  return plain_answer(good ? 200 : 503, kJson, probe_body(health));
}

}  // namespace vallum::admin
