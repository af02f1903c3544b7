#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "http/message.h"

namespace vallum::pages {

// For the nonce of a Frame. Never used twice.
std::string make_nonce(Entropy& entropy);

// An answer of our own: not cached, not sniffed, not framed, and marked as ours.
http::Response make_response(std::uint16_t status, std::string_view content_type, std::string body);

// Where the forms of a page may lead. Browsers apply this to redirects that follow a form, too.
enum class FormTargets : std::uint8_t { ThisHost, Anywhere };

// An HTML page with the Content-Security-Policy that lets its style work and nothing else.
http::Response make_page(std::uint16_t status,
                         std::string html,
                         std::string_view nonce,
                         FormTargets targets = FormTargets::ThisHost);

}  // namespace vallum::pages
