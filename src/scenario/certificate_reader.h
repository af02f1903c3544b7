#pragma once

#include <optional>
#include <string_view>

#include "policy/facts.h"

namespace vallum::scenario {

// The leaf facts of one PEM certificate, read with no more of DER than that takes.
std::optional<policy::LeafCertificate> read_leaf(std::string_view pem);

}  // namespace vallum::scenario
