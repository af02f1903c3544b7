#pragma once

#include <string_view>

namespace vallum::codec {

// Whether two JSON number texts name the same value: "3", "3.0" and "3e0" do. Exact at any length;
// allocates nothing.
bool numbers_equal(std::string_view a, std::string_view b);

}  // namespace vallum::codec
