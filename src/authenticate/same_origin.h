#pragma once

#include "http/message.h"

namespace vallum::authenticate {

// Whether a request that changes something comes from a page of its own host, or from no page at
// all (identity specification 1.12): by Sec-Fetch-Site, else by Origin. A browser too old for
// either sends neither with a form of its own origin.
bool is_same_origin(const http::Request& request);

}  // namespace vallum::authenticate
