#pragma once

#include <cstdint>
#include <string_view>

namespace vallum::pages {

// What of a request decides how an answer of ours is written. Views are used until the function
// that takes this returns.
struct Audience {
  std::string_view path = {};
  std::string_view accept = {};
  std::string_view content_type = {};
  std::string_view user_agent = {};
  std::string_view fetch_mode = {};  // Sec-Fetch-Mode
};

// A person's browser shows the answer, as far as the request tells: what does not say so may be an
// old browser.
bool is_navigation(std::string_view fetch_mode);

enum class Representation : std::uint8_t {
  Html,
  Json,
  Robots,      // /robots.txt: an answer that keeps crawlers away, whatever was refused
  Kubernetes,  // a Status object, as kubectl shows it
  Grpc,        // status in trailers-only form
  GrpcWeb,
  Plain,
};

// Of a decision about the request (policy specification 3.7): first match, never Plain.
Representation choose_representation(const Audience& audience);

// Of a failure on the way to the application (configuration specification 4.11): what the client
// likes best of HTML, plain text and JSON, or gRPC.
Representation choose_failure_representation(const Audience& audience);

}  // namespace vallum::pages
