#include "codec/read_limits.h"

namespace vallum::codec {

ReadError::operator Error() const {
  std::string message;
  if (position.line != 0) {
    message.append(std::to_string(position.line)).append(":");
    message.append(std::to_string(position.column)).append(": ");
  }
  message.append(text);
  return {ErrorKind::InvalidInput, std::move(message)};
}

}  // namespace vallum::codec
