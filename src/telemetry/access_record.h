#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "telemetry/record_view.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

// How long each part of a request took; nothing where it was not reached.
struct RecordTimings {
  Duration total{};  // to the last byte sent downstream
  std::optional<Duration> authorize;
  std::optional<Duration> upstream_connect;
  std::optional<Duration> upstream_first_byte;
};

// Everything the line "http-request" says (configuration specification 2.2), widened by identity,
// decision and outcome, so that one line answers who did what. Views live until the line is
// written.
struct AccessRecord {
  WallTime time;
  std::string_view request_id;
  std::string_view protocol;  // "HTTP/1.1"
  std::string_view method;
  std::string_view authority;
  std::string_view target;  // as received; the line ends it at '?'
  std::string_view user_agent;
  std::string_view referer;  // as received; the line ends it at '?' or '#'
  std::string_view forwarded_for;
  std::string_view ip;
  std::string_view upstream_cluster;  // "" when no route was found
  std::string_view upstream_address;
  std::string_view subject;  // of append_subject()
  std::string_view outcome;
  std::uint16_t status = 0;
  // The stable name of why this status: "via_upstream", "ext_authz_denied", "route_not_found", ...
  std::string_view details;
  std::uint64_t request_body_bytes = 0;
  std::uint64_t response_body_bytes = 0;
  RecordTimings timings;
  // Only where the plan shows them.
  std::string_view query;    // without our session parameter
  std::string_view headers;  // a JSON object
};

// Appends the line with its newline. Never allocates once `line` is large enough.
void append_access(std::string& line,
                   TimestampWriter& timestamp,
                   const AccessRecord& record,
                   const RecordView& view);

}  // namespace vallum::telemetry
