#pragma once

#include "scenario/situation.h"

namespace vallum::testing {

using scenario::find_given;
using scenario::identify;
using scenario::Identity;
using scenario::instant_of;
using scenario::Situation;
using scenario::text_of;

}  // namespace vallum::testing
