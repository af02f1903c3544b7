#pragma once

#include <cstdint>

#include "http/message.h"

namespace vallum::proxy {

// Sends everybody to https on the same host, path and query (configuration specification 4.2): 301
// for GET and HEAD, 308 for other methods, so that a form is not silently turned into a GET. `port`
// is named unless it is 443.
http::Response redirect_to_https(const http::Request& request, std::uint16_t port);

}  // namespace vallum::proxy
