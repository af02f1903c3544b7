#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace vallum::rpc {

// Of gRPC's statuscodes.md.
enum class Code : std::uint8_t {
  Ok = 0,
  Cancelled = 1,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  Unauthenticated = 16,
};

// How a call ends, for whoever called.
struct Status {
  Code code = Code::Ok;
  std::string text;
  // A google.rpc.Status as bytes, for programs that look at more than the code; mostly none.
  std::string details;
};

// A failure as its caller is told of it. One of our own stays in our log: `Internal` says so.
Status status_of(const Error& error);

}  // namespace vallum::rpc
