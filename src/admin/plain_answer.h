#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace vallum::admin {

// What the endpoints of this module have in common: nothing is cached, sniffed or framed.
http::Response plain_answer(std::uint16_t status, std::string_view content_type, std::string body);
http::Response not_found();
// With the methods that is_read() accepts.
http::Response method_not_allowed();
bool is_read(const http::Request& request);

}  // namespace vallum::admin
