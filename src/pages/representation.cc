#include "pages/representation.h"

#include <array>
#include <optional>
#include <string>

#include "base/strings.h"
#include "codec/accept.h"

namespace vallum::pages {
namespace {

// The media type without parameters.
std::string_view essence(std::string_view content_type) {
  return trim_ows(content_type.substr(0, content_type.find(';')));
}

bool is_or_extends(std::string_view type, std::string_view family) {
  return type == family || (type.starts_with(family) && type[family.size()] == '+');
}

std::optional<Representation> grpc_family(std::string_view content_type) {
  const std::string type = to_lower(essence(content_type));
  if (is_or_extends(type, "application/grpc")) {
    return Representation::Grpc;
  }
  if (is_or_extends(type, "application/grpc-web") ||
      is_or_extends(type, "application/grpc-web-text")) {
    return Representation::GrpcWeb;
  }
  return std::nullopt;
}

}  // namespace

bool is_navigation(std::string_view fetch_mode) {
  return fetch_mode.empty() || fetch_mode == "navigate";
}

Representation choose_representation(const Audience& audience) {
  if (audience.user_agent.contains("kubernetes/")) {
    return Representation::Kubernetes;
  }
  if (audience.path == "/robots.txt") {
    return Representation::Robots;
  }
  if (codec::prefers_json(audience.accept)) {
    return Representation::Json;
  }
  // A script or an image takes anything and shows no page.
  return grpc_family(audience.content_type)
      .value_or(is_navigation(audience.fetch_mode) ? Representation::Html : Representation::Json);
}

Representation choose_failure_representation(const Audience& audience) {
  if (const auto grpc = grpc_family(audience.content_type)) {
    return *grpc;
  }
  static constexpr std::array<std::string_view, 3> kOffers = {
      "text/html", "text/plain", "application/json"};
  const codec::AcceptChoice choice = codec::negotiate(audience.accept, kOffers);
  if (choice.outcome != codec::AcceptChoice::Outcome::Chosen || choice.index == 0) {
    return Representation::Html;
  }
  return choice.index == 1 ? Representation::Plain : Representation::Json;
}

}  // namespace vallum::pages
