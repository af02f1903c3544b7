#include "rpc/status.h"

#include "http/status_of.h"

namespace vallum::rpc {

Status status_of(const Error& error) {
  if (error.kind() == ErrorKind::Internal) {
    return {.code = Code::Internal,
            .text = "the process failed to answer; its log and status say why",
            .details = {}};
  }
  return {.code = static_cast<Code>(http::status_of(error.kind()).grpc),
          .text = std::string(error.message()),
          .details = {}};
}

}  // namespace vallum::rpc
