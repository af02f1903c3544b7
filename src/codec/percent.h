#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vallum::codec {

// Kept as they are: A-Z a-z 0-9 - _ . ~ (RFC 3986 unreserved). Everything else becomes %XX with
// upper-case digits. The form variants write and read a space as "+"
// (application/x-www-form-urlencoded).
std::string percent_encode(std::string_view text);
std::string form_encode(std::string_view text);
void append_form_encoded(std::string& out, std::string_view text);

// Nothing when a "%" is not followed by two hexadecimal digits. The result may hold any byte,
// NUL included.
std::optional<std::string> percent_decode(std::string_view text);
std::optional<std::string> form_decode(std::string_view text);

}  // namespace vallum::codec
