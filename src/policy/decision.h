#pragma once

#include <string_view>

#include "policy/reasons.h"

namespace vallum::policy {

// The answer of the rules of one action. Reasons are reported whatever the value: outcome_of()
// reads them of a false deny, too.
struct Verdict {
  bool value = false;
  ReasonSet reasons;
  // The device type the contributing device criteria asked for, "" when none did. Borrows from the
  // program.
  std::string_view device_type;
};

struct Decision {
  Verdict allow;
  Verdict deny;

  // A request for which there is no route, or no program.
  static Decision route_not_found() {
    return {.allow = {},
            .deny = {.value = true, .reasons = {Reason::RouteNotFound}, .device_type = {}}};
  }
};

}  // namespace vallum::policy
