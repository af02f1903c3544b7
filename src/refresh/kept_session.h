#pragma once

#include <string_view>

#include "base/result.h"
#include "databroker/record.h"
#include "identity/claims.h"
#include "identity/provider.h"
#include "refresh/schedule.h"
#include "session/records.h"

// Session and user records as this module reads and changes them.
namespace vallum::refresh {

// When something is to be done for it; `provider` is the id of the one that can be asked.
SessionTimes times_of(const session::SessionRecord& session, std::string_view provider);

// The record's value with the new tokens in it and everything else as it was, fields that this
// program does not know included. A provider that sent no refresh token leaves the old one good.
Result<databroker::Value> with_tokens(const databroker::Value& value,
                                      const session::SessionRecord& session,
                                      const identity::RefreshOutcome& outcome);
// The same with nothing but the new refresh token.
Result<databroker::Value> with_refresh_token(const databroker::Value& value,
                                             const Secret& refresh_token);
Result<databroker::Value> with_claims(const databroker::Value& value,
                                      const identity::Claims& claims);
// A user's record as the provider describes the user; `value` is null when there is none.
Result<databroker::Value> with_details(const databroker::Value* value,
                                       std::string_view user_id,
                                       const identity::UserDetails& details);

}  // namespace vallum::refresh
