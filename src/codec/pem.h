#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace vallum::codec {

// One block of a PEM bundle, as views: key material is not copied and its owner still wipes it.
struct PemBlock {
  std::string_view label;  // "CERTIFICATE"
  std::string_view text;   // from "-----BEGIN" to the end of the "-----END" line's dashes
};

// Finds the blocks of RFC 7468 text in order. Text between blocks is explanatory and ignored. Fails
// when a block has no matching end or its label is malformed. What is inside is the business of
// whoever decodes it.
Result<std::vector<PemBlock>> split_pem(std::string_view text);

}  // namespace vallum::codec
