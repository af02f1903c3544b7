#pragma once

#include "async/task.h"
#include "base/time.h"
#include "databroker/rpc/caller.h"

namespace google::protobuf {
class Empty;
}  // namespace google::protobuf

namespace databroker {
class AcquireLeaseRequest;
class AcquireLeaseResponse;
class ClearResponse;
class GetCheckpointRequest;
class GetCheckpointResponse;
class GetOptionsRequest;
class GetOptionsResponse;
class GetRequest;
class GetResponse;
class ListTypesResponse;
class PatchRequest;
class PatchResponse;
class PutRequest;
class PutResponse;
class QueryRequest;
class QueryResponse;
class ReleaseLeaseRequest;
class RenewLeaseRequest;
class ServerInfoResponse;
class SetOptionsRequest;
class SetOptionsResponse;
}  // namespace databroker

namespace vallum::databroker {

class Desk;
struct CallFacts;

// What a method has to do its work with. The call owns all of it, until the method returns.
template <class Request, class Response>
struct Work {
  Desk* desk = nullptr;
  CallFacts* facts = nullptr;
  Role role = Role::Reader;
  const Request* request = nullptr;
  Response* response = nullptr;
  Deadline deadline;
};

// The methods that answer once. On the desk's core, for a caller whose role was found to be enough.
namespace wire = ::databroker;
using Empty = google::protobuf::Empty;

Async<void> get(Work<wire::GetRequest, wire::GetResponse> work);
Async<void> list_types(Work<Empty, wire::ListTypesResponse> work);
Async<void> query(Work<wire::QueryRequest, wire::QueryResponse> work);
// PermissionDenied for a Reader that would do more than end sessions.
Async<void> put(Work<wire::PutRequest, wire::PutResponse> work);
// PermissionDenied for a Reader that would change more than when a session was used.
Async<void> patch(Work<wire::PatchRequest, wire::PatchResponse> work);
Async<void> server_info(Work<Empty, wire::ServerInfoResponse> work);
// Of the store: several databrokers that share one are one leader.
Async<void> get_checkpoint(Work<wire::GetCheckpointRequest, wire::GetCheckpointResponse> work);
Async<void> get_options(Work<wire::GetOptionsRequest, wire::GetOptionsResponse> work);
Async<void> set_options(Work<wire::SetOptionsRequest, wire::SetOptionsResponse> work);
Async<void> acquire_lease(Work<wire::AcquireLeaseRequest, wire::AcquireLeaseResponse> work);
Async<void> renew_lease(Work<wire::RenewLeaseRequest, Empty> work);
Async<void> release_lease(Work<wire::ReleaseLeaseRequest, Empty> work);
Async<void> clear(Work<Empty, wire::ClearResponse> work);

}  // namespace vallum::databroker
