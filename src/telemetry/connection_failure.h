#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "telemetry/record_subject.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

// Everything the line "listener connection failure" says: a handshake that failed where clients
// must show a certificate (configuration specification 2.10). Views live until the line is written.
struct ConnectionFailure {
  WallTime time;
  std::string_view ip;
  std::string_view server_name;  // that the client asked for; "" without
  std::string_view reason;
  RecordCertificate certificate;
};

// Appends the line with its newline.
void append_connection_failure(std::string& line,
                               TimestampWriter& timestamp,
                               const ConnectionFailure& failure);

}  // namespace vallum::telemetry
