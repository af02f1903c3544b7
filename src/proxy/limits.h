#pragma once

#include <cstddef>

#include "base/time.h"
#include "http/syntax/head.h"

namespace vallum::proxy {

// Every limit of the data plane with its default; the configuration fills them. What happens at
// each is said beside it.
struct Limits {
  // Beyond: 431 or 414, close.
  http::HeadLimits request_head;
  // Beyond, in an upstream's answer: 502.
  http::HeadLimits response_head{.request_line_bytes_max = 32 * 1024,
                                 .head_bytes_max = 128 * 1024,
                                 .fields_max = 1000,
                                 .underscore_names = http::UnderscoreNames::Allow};
  // From the first byte of a head to its end. Beyond: 408, close.
  Duration header_timeout = std::chrono::seconds(15);
  // From the first byte of a request to its last, unless its answer has begun. Beyond: 408, close.
  // Zero: no limit.
  Duration read_timeout = std::chrono::seconds(30);
  // From the first byte of a request to the end of its answer or of its live stream. Beyond: 408,
  // or a cut. Zero: no limit.
  Duration write_timeout{};
  // Of a connection without a request. Beyond: close. Zero: no limit.
  Duration idle_timeout = std::chrono::minutes(5);
  // For a TLS handshake. Beyond: close.
  Duration handshake_timeout = std::chrono::seconds(15);
  // Without a byte moving in an exchange whose route says nothing. Beyond: 408, 504 or a cut
  // answer.
  Duration stream_idle_timeout = std::chrono::minutes(5);
  // To connect to an upstream. Beyond: 503.
  Duration connect_timeout = std::chrono::seconds(10);
  // How long a closing connection may still send what nobody reads, and how much.
  Duration linger_timeout = std::chrono::seconds(2);
  std::size_t linger_bytes_max = 256 * 1024;
  // Of all listeners of the process, shared out among the cores. Beyond: closed at once.
  std::size_t connections_max = 50'000;
  // The body of a request to an own endpoint. Beyond: 413.
  std::size_t own_body_bytes_max = 64 * 1024;
  // Waiting for an own endpoint that asks the identity provider. Beyond: 503.
  Duration own_endpoint_timeout = std::chrono::seconds(30);
};

}  // namespace vallum::proxy
