#pragma once

#include <cstddef>

#include "async/task.h"
#include "base/time.h"
#include "databroker/rpc/methods.h"
#include "rpc/call.h"

namespace registry {
class ListRequest;
class RegisterRequest;
class RegisterResponse;
class ServiceList;
}  // namespace registry

// registry.Registry: which processes there are. A registration is a record, so that every
// databroker of one store sees it, and ends by itself unless it is made again. On the desk's core,
// for a caller that was let in.
namespace vallum::databroker {

// A registration counts for so long, and a process is told to come back this often.
inline constexpr Duration kRegistrationTtl = std::chrono::seconds(30);
inline constexpr Duration kReportAgainAfter = std::chrono::seconds(15);
// Services of one report, and bytes of an endpoint: InvalidInput above. How many there are at all
// is the capacity of their type (built_in_options()).
inline constexpr std::size_t kReportedServicesMax = 32;
inline constexpr std::size_t kEndpointBytesMax = 512;

// PermissionDenied for a Reader that would register more than proxies, authorizers and metrics.
Async<void> report(Work<::registry::RegisterRequest, ::registry::RegisterResponse> work);
// Of the kinds that are asked for, or all, by kind and endpoint.
Async<void> list_services(Work<::registry::ListRequest, ::registry::ServiceList> work);
// The list as it is, and again whenever it differs from the one sent before.
Async<void> watch_services(Desk* desk,
                           rpc::Call* call,
                           const CallFacts* facts,
                           const ::registry::ListRequest* request);

}  // namespace vallum::databroker
