#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "identity/claims.h"
#include "session/records.h"

// What the records say of a user as the provider does, for sign-in and for whoever asks again.
namespace vallum::identity {

session::ClaimSet claim_set(const Claims& claims);

// Whose groups a claim tells.
struct ClaimedGroups {
  std::string user_id;
  std::string display_name;
  // The claim's elements.
  std::vector<codec::Node> groups;
  // When the provider said so.
  WallTime said_at{};
};

// The groups that this claim tells; nothing when no claim is configured ("").
std::optional<ClaimedGroups> claimed_groups(std::string_view claim,
                                            std::string user_id,
                                            std::string display_name,
                                            const Claims& claims,
                                            WallTime said_at);

// The write that makes them the user's groups, conditional on the record it replaces. Nothing when
// a directory from outside has the user, when something was said since, and when they are what is
// there already. `broker` outlives
// the call.
Async<std::optional<databroker::Write>> directory_write(databroker::Databroker* broker,
                                                        ClaimedGroups claimed,
                                                        Deadline deadline);

}  // namespace vallum::identity
