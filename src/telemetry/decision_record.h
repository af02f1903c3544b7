#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "telemetry/record_view.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

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
  std::string_view subject;  // of append_subject()
  std::string_view outcome;  // what became of the request: "allowed", "login", "forbidden", ...
  std::string_view shadow;   // "would-allow", "would-deny"; "" without a shadow policy
  // What became of a bearer token: "accepted", "refused: WHY"; "" where none was judged.
  std::string_view bearer_token;
  std::uint16_t status = 0;  // of an answer of our own; 0: the application's is not known yet
  // Only where the plan shows them.
  std::string_view query;            // without our session parameter
  std::string_view id_token;         // a compact JWS
  std::string_view id_token_claims;  // a JSON object, "" without one
  std::string_view headers;          // a JSON object
};

// Appends the line with its newline. Never allocates once `line` is large enough.
void append_decision(std::string& line,
                     TimestampWriter& timestamp,
                     const DecisionRecord& record,
                     const RecordView& view);

}  // namespace vallum::telemetry
