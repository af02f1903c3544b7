#pragma once

#include <string>

namespace vallum::config {

// docs/configuration.md, made from the table of options. A test fails when the page differs.
std::string render_documentation();

}  // namespace vallum::config
