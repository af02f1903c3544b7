#pragma once

#include "scenario/certificate_reader.h"

namespace vallum::testing {

using scenario::read_leaf;

}  // namespace vallum::testing
