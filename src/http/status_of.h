#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace vallum::http {

// What a failure looks like outside.
struct StatusOf {
  std::uint16_t http = 500;
  std::uint8_t grpc = 13;       // the codes of gRPC's statuscodes.md
  std::string_view log_reason;  // of the access log
};

// The one table from kinds of failure to statuses.
const StatusOf& status_of(ErrorKind kind);

// The gRPC status of an answer that came about as an HTTP status (configuration
// specification 4.10).
std::uint8_t grpc_status_of(std::uint16_t http_status);

// The phrase of RFC 9110 15, or of a status of ours (450, 495); "Unknown" otherwise. Static.
std::string_view reason_phrase(std::uint16_t status);

}  // namespace vallum::http
