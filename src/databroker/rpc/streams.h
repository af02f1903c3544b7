#pragma once

#include "async/task.h"
#include "databroker/rpc/desk.h"
#include "rpc/call.h"

namespace databroker {
class SyncLatestRequest;
class SyncRequest;
}  // namespace databroker

// The methods that answer with a stream. On the desk's core, for a caller that was let in.
namespace vallum::databroker {

// Every change after a version, and those that follow. Conflict where the caller must begin again;
// Cancelled when it went away, Unavailable when the process stops. All outlive the task.
Async<void> sync(Desk* desk,
                 rpc::Call* call,
                 const CallFacts* facts,
                 const ::databroker::SyncRequest* request);

// Every record as it is, and the version from which sync() goes on.
Async<void> sync_latest(Desk* desk,
                        rpc::Call* call,
                        const CallFacts* facts,
                        const ::databroker::SyncLatestRequest* request);

}  // namespace vallum::databroker
