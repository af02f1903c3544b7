#pragma once

#include "http/syntax/authority.h"

namespace vallum::dev {

// A name that means this machine wherever it is looked up: a loopback address, localhost, or a name
// under .localhost (RFC 6761 6.3).
inline bool is_loopback_name(const http::Authority& authority) {
  return authority.is_loopback() || authority.host().ends_with(".localhost");
}

}  // namespace vallum::dev
