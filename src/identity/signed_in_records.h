#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "identity/claims.h"
#include "session/records.h"

// Records of users as a provider describes them.
namespace vallum::identity {

session::ClaimSet claim_set(const Claims& claims);

// Groups that a provider gives in a claim of its own.
struct ClaimedGroups {
  std::string user_id;
  std::string display_name;
  // The claim's values.
  std::vector<codec::Node> groups;
  // When the provider said so.
  WallTime said_at{};
};

// Makes them the user's directory record; nothing where a directory knows better, or where somebody
// said something else since. Conditional: Conflict when another write was faster.
Async<std::optional<databroker::Write>> groups_write(databroker::Databroker* broker,
                                                     ClaimedGroups claimed,
                                                     Deadline deadline);

}  // namespace vallum::identity
