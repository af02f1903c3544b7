#pragma once

#include <string>
#include <vector>

#include "codec/node.h"

namespace vallum::scenario {

// What cannot be read in what was written, and where.
struct Fault {
  codec::Position at;
  // Says what is wrong and what to write instead.
  std::string text;
};

using Faults = std::vector<Fault>;

}  // namespace vallum::scenario
