#include "http/status_of.h"

#include <algorithm>
#include <array>

namespace vallum::http {
namespace {

struct Phrase {
  std::uint16_t status = 0;
  std::string_view text;
};

// In order of status.
constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{103, "Early Hints"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{203, "Non-Authoritative Information"},
    Phrase{204, "No Content"},
    Phrase{205, "Reset Content"},
    Phrase{206, "Partial Content"},
    Phrase{300, "Multiple Choices"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{421, "Misdirected Request"},
    Phrase{422, "Unprocessable Content"},
    Phrase{425, "Too Early"},
    Phrase{426, "Upgrade Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{450, "Device Not Authorized"},
    Phrase{495, "Client Certificate Required"},
    Phrase{499, "Client Closed Request"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
};
static_assert(std::ranges::is_sorted(kPhrases, {}, &Phrase::status));

constexpr StatusOf kInvalidInput{.http = 400, .grpc = 3, .log_reason = "invalid_input"};
constexpr StatusOf kUnauthenticated{.http = 401, .grpc = 16, .log_reason = "unauthenticated"};
constexpr StatusOf kPermissionDenied{.http = 403, .grpc = 7, .log_reason = "permission_denied"};
constexpr StatusOf kNotFound{.http = 404, .grpc = 5, .log_reason = "not_found"};
constexpr StatusOf kConflict{.http = 409, .grpc = 10, .log_reason = "conflict"};
constexpr StatusOf kResourceExhausted{.http = 503, .grpc = 8, .log_reason = "resource_exhausted"};
constexpr StatusOf kDeadlineExceeded{.http = 504, .grpc = 4, .log_reason = "deadline_exceeded"};
constexpr StatusOf kCancelled{.http = 499, .grpc = 1, .log_reason = "cancelled"};
constexpr StatusOf kUnavailable{.http = 503, .grpc = 14, .log_reason = "unavailable"};
constexpr StatusOf kInternal{.http = 500, .grpc = 13, .log_reason = "internal"};

}  // namespace

const StatusOf& status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidInput:
      return kInvalidInput;
    case ErrorKind::Unauthenticated:
      return kUnauthenticated;
    case ErrorKind::PermissionDenied:
      return kPermissionDenied;
    case ErrorKind::NotFound:
      return kNotFound;
    case ErrorKind::Conflict:
      return kConflict;
    case ErrorKind::ResourceExhausted:
      return kResourceExhausted;
    case ErrorKind::DeadlineExceeded:
      return kDeadlineExceeded;
    case ErrorKind::Cancelled:
      return kCancelled;
    case ErrorKind::Unavailable:
      return kUnavailable;
    case ErrorKind::Internal:
      break;
  }
  return kInternal;
}

std::uint8_t grpc_status_of(std::uint16_t http_status) {
  switch (http_status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

std::string_view reason_phrase(std::uint16_t status) {
  const Phrase* phrase = std::ranges::lower_bound(kPhrases, status, {}, &Phrase::status);
  return phrase != kPhrases.end() && phrase->status == status ? phrase->text : "Unknown";
}

}  // namespace vallum::http
