#include "base/error.h"

#include <utility>

namespace vallum {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidInput:
      return "InvalidInput";
    case ErrorKind::Unauthenticated:
      return "Unauthenticated";
    case ErrorKind::PermissionDenied:
      return "PermissionDenied";
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::Conflict:
      return "Conflict";
    case ErrorKind::ResourceExhausted:
      return "ResourceExhausted";
    case ErrorKind::DeadlineExceeded:
      return "DeadlineExceeded";
    case ErrorKind::Cancelled:
      return "Cancelled";
    case ErrorKind::Unavailable:
      return "Unavailable";
    case ErrorKind::Internal:
      break;
  }
  return "Internal";
}

Error::Error(ErrorKind kind, std::string text)
    : kind_(kind), detail_(std::make_unique<std::string>(std::move(text))) {}

Error::Error(const Error& other)
    : kind_(other.kind_),
      text_(other.text_),
      detail_(other.detail_ ? std::make_unique<std::string>(*other.detail_) : nullptr) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) {
    *this = Error(other);
  }
  return *this;
}

Error Error::with_context(std::string_view context) const {
  std::string text(context);
  text.append(": ").append(message());
  return {kind_, std::move(text)};
}

}  // namespace vallum
