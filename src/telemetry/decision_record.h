#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

// One half of a decision: whether it held, and every reason for its value, sorted by code point.
struct Verdict {
  bool value = false;
  std::span<const std::string_view> reasons;
};

// Who asked, as far as it is known. An empty text is unknown.
struct RecordIdentity {
  std::string_view session_id;
  std::string_view service_account_id;  // instead of a session id
  std::string_view user;
  std::string_view email;
};

// Which route was asked for.
struct RecordRoute {
  std::string_view id;          // the explicit id of a stored route; "" for one of the file
  std::string_view matched_id;  // the id every route has
  std::uint64_t checksum = 0;
  std::string_view cluster;  // the name of its upstream
};

// Everything the line "authorize check" says (policy specification 8.1). Views live until the line
// is written.
struct DecisionRecord {
  WallTime time;
  std::string_view request_id;
  std::string_view client_request_id;  // as the client sent it
  std::string_view method;
  std::string_view host;
  std::string_view target;  // as received; the line ends it at '?'
  std::string_view ip;
  RecordIdentity identity;
  std::optional<RecordRoute> route;
  Verdict allow;
  Verdict deny;
  std::string_view outcome;  // what became of the request: "permit", "login", "403", ...
};

// Appends the line with its newline. Never allocates once `line` is large enough.
void append_decision(std::string& line, TimestampWriter& timestamp, const DecisionRecord& record);

}  // namespace vallum::telemetry
