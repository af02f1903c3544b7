#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "http/syntax/uri.h"

namespace vallum::ext_authz {

// A request that another proxy holds and asks about. Views of what the caller owns until it is
// answered.
struct Question {
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  std::string_view method;
  http::Scheme scheme = http::Scheme::Https;
  std::string_view host;
  // Path and query as the client sent them.
  std::string_view target;
  // What the proxy would send on, in order.
  std::vector<Field> fields;
  // Who sent it, as the proxy says; absent when it does not.
  std::optional<IpAddress> client_ip;
};

// Whether a field is about the connection it came over, or is written anew by every proxy: never
// part of an answer, because it is not ours to change at another proxy.
bool belongs_to_connection(std::string_view name);

// Writes the question as the head of an HTTP/1.1 request, so that the one parser of requests judges
// it: what the proxy's listener refuses is refused here. InvalidInput, with text for the person who
// configures the asking proxy, when a part would end its line or is missing.
Result<std::string> head_of(const Question& question);

}  // namespace vallum::ext_authz
