#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace vallum::crypto {

using UuidBytes = std::array<std::byte, 16>;

// The UUID of a name in a name space: the same for the same two, RFC 9562 5.5 (version 5). As hard
// to find a second name for as SHA-1 is, cut to 122 bits; somebody who may choose both names can
// make two of one UUID.
UuidBytes uuid_v5(const UuidBytes& name_space, std::string_view name);

}  // namespace vallum::crypto
