#pragma once

#include <string>
#include <string_view>

#include "codec/cookie.h"
#include "http/message.h"
#include "pages/representation.h"

namespace vallum::authenticate {

// A redirect that no cache keeps and that tells nobody where it came from.
http::Response redirect_to(std::string_view url);

// Adds a Set-Cookie. A cookie that cannot be written is left out: its parts are ours or checked
// before.
void set_cookie(http::Response& response, const codec::SetCookie& cookie);

// Who reads the answer to this request. Views of it.
pages::Audience audience_of(const http::Request& request);

http::Response text_answer(std::uint16_t status, std::string text);
http::Response json_answer(std::string json);

}  // namespace vallum::authenticate
