#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/time.h"
#include "databroker/databroker.h"

namespace vallum::session {

// A session at an identity provider.
struct ProviderSession {
  std::string issuer;
  std::string subject;     // "": of whomever
  std::string session_id;  // `sid`; "": all of the subject's
};

// Makes the sessions of a provider findable without reading all; nothing when they are. `broker`
// outlives the call.
Async<void> ensure_provider_index(databroker::Databroker* broker, Deadline deadline);

// The records of sessions that were made of it, at most a thousand. InvalidInput when it names
// neither subject nor session.
Async<std::vector<databroker::Record>> find_sessions(databroker::Databroker* broker,
                                                     ProviderSession of,
                                                     Deadline deadline);

}  // namespace vallum::session
