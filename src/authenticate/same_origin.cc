#include "authenticate/same_origin.h"

#include "http/syntax/uri.h"

namespace vallum::authenticate {

bool is_same_origin(const http::Request& request) {
  if (request.headers.count("sec-fetch-site") > 1 || request.headers.count("origin") > 1) {
    return false;
  }
  const std::string* origin = request.headers.find("origin");
  if (origin != nullptr) {
    // "null" is what sandboxed and cross-origin redirected pages say.
    const Result<http::Uri> from = http::Uri::parse(*origin);
    if (!from || from->authority().without_port(443) != request.authority.without_port(443)) {
      return false;
    }
  }
  const std::string* site = request.headers.find("sec-fetch-site");
  return site == nullptr || *site == "same-origin" || *site == "none";
}

}  // namespace vallum::authenticate
