#include "databroker/rpc/record_calls.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "databroker/rpc/methods.h"
#include "databroker/rpc/registry.h"
#include "databroker/rpc/streams.h"
#include "proto/databroker.pb.h"
#include "proto/registry.pb.h"
#include "proto/rpc_error_info.pb.h"
#include "proto/rpc_status.pb.h"
#include "rpc/status.h"

namespace vallum::databroker {
namespace {

// Conflict as a method of leases means it: somebody else has it already.
enum class Conflict : std::uint8_t { Aborted, AlreadyExists };

struct Need {
  Role role = Role::Reader;
  Conflict conflict = Conflict::Aborted;
};

// A method: who may call it, and what answers.
struct Row {
  std::string_view path;
  Need need;
  bool is_stream = false;
  Task<void> (*answer)(Desk*, rpc::Call, Need) = nullptr;
};

rpc::Status status_of_error(const Error& error, Conflict conflict) {
  rpc::Status status = rpc::status_of(error);
  if (error.kind() == ErrorKind::Conflict && conflict == Conflict::AlreadyExists) {
    status.code = rpc::Code::AlreadyExists;
  }
  return status;
}

template <class Request, class Response>
Async<void> do_work(Desk* desk,
                    rpc::Call* call,
                    Work<Request, Response> work,
                    Async<void> (*method)(Work<Request, Response>),
                    Need need) {
  CO_TRY(work.role, desk->admit(*work.facts, need.role));
  CO_TRY(work.request, co_await desk->receive<Request>(call, work.deadline));
  co_return co_await method(work);
}

template <class Request, class Response>
Task<void> answer_once(Desk* desk,
                       rpc::Call call,
                       Async<void> (*method)(Work<Request, Response>),
                       Need need) {
  CallFacts facts = read_facts(call);
  Response response;
  const Work<Request, Response> work{.desk = desk,
                                     .facts = &facts,
                                     .role = Role::Reader,
                                     .request = nullptr,
                                     .response = &response,
                                     .deadline = desk->core().deadline_in(call.time_left())};
  const Result<void> done = co_await do_work(desk, &call, work, method, need);
  if (facts.epoch_of_lease) {
    call.add_trailing("vallum-lease-epoch", std::to_string(*facts.epoch_of_lease));
  }
  if (done) {
    call.answer(response);
  } else {
    call.finish(status_of_error(done.error(), need.conflict));
  }
}

template <auto method>
Task<void> once(Desk* desk, rpc::Call call, Need need) {
  return answer_once(desk, std::move(call), method, need);
}

template <class Request>
using StreamMethod = Async<void> (*)(Desk*, rpc::Call*, const CallFacts*, const Request*);

template <class Request>
Async<void> do_stream(
    Desk* desk, rpc::Call* call, const CallFacts* facts, StreamMethod<Request> method, Need need) {
  CO_TRY_OK(desk->admit(*facts, need.role));
  const Deadline deadline = desk->core().deadline_in(call->time_left());
  CO_TRY(const Request* const request, co_await desk->receive<Request>(call, deadline));
  co_return co_await method(desk, call, facts, request);
}

template <class Request>
Task<void> answer_with_stream(Desk* desk, rpc::Call call, StreamMethod<Request> method, Need need) {
  const Desk::Listed listed(*desk, call);
  const CallFacts facts = read_facts(call);
  const Result<void> done = co_await do_stream(desk, &call, &facts, method, need);
  call.finish(done ? rpc::Status() : status_of_error(done.error(), need.conflict));
}

template <auto method>
Task<void> stream(Desk* desk, rpc::Call call, Need need) {
  return answer_with_stream(desk, std::move(call), method, need);
}

// A follower of its own would set it; nothing of the call is read.
Task<void> refuse_checkpoint(Desk* desk, rpc::Call call, Need need) {
  constexpr std::string_view kReason = "SET_CHECKPOINT_NOT_SUPPORTED";
  const CallFacts facts = read_facts(call);
  if (const Result<Role> role = desk->admit(facts, need.role); !role) {
    call.finish(status_of_error(role.error(), need.conflict));
    co_return;
  }
  rpc::Status status{.code = rpc::Code::Unimplemented,
                     .text = std::string(kReason) + ": this databroker follows no other",
                     .details = {}};
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(kReason));
  info.set_domain("pomerium.com");
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code));
  details.set_message(status.text);
  details.add_details()->PackFrom(info);
  status.details = details.SerializeAsString();
  call.finish(status);
}

constexpr Need kRead{.role = Role::Reader, .conflict = Conflict::Aborted};
constexpr Need kLease{.role = Role::Writer, .conflict = Conflict::AlreadyExists};
constexpr Need kAdminister{.role = Role::Admin, .conflict = Conflict::Aborted};

// A Reader may note when a session was used, end one, and say that its process is there: Patch, Put
// and Report themselves look.
constexpr auto kRows = std::to_array<Row>({
    {.path = "/databroker.DataBrokerService/Get", .need = kRead, .answer = once<get>},
    {.path = "/databroker.DataBrokerService/ListTypes", .need = kRead, .answer = once<list_types>},
    {.path = "/databroker.DataBrokerService/Query", .need = kRead, .answer = once<query>},
    {.path = "/databroker.DataBrokerService/ServerInfo",
     .need = kRead,
     .answer = once<server_info>},
    {.path = "/databroker.DataBrokerService/GetOptions",
     .need = kRead,
     .answer = once<get_options>},
    {.path = "/databroker.DataBrokerService/Patch", .need = kRead, .answer = once<patch>},
    {.path = "/databroker.DataBrokerService/Put", .need = kRead, .answer = once<put>},
    {.path = "/databroker.DataBrokerService/AcquireLease",
     .need = kLease,
     .answer = once<acquire_lease>},
    {.path = "/databroker.DataBrokerService/RenewLease",
     .need = kLease,
     .answer = once<renew_lease>},
    {.path = "/databroker.DataBrokerService/ReleaseLease",
     .need = kLease,
     .answer = once<release_lease>},
    {.path = "/databroker.DataBrokerService/SetOptions",
     .need = kAdminister,
     .answer = once<set_options>},
    {.path = "/databroker.DataBrokerService/Clear", .need = kAdminister, .answer = once<clear>},
    {.path = "/databroker.DataBrokerService/Sync",
     .need = kRead,
     .is_stream = true,
     .answer = stream<sync>},
    {.path = "/databroker.DataBrokerService/SyncLatest",
     .need = kRead,
     .is_stream = true,
     .answer = stream<sync_latest>},
    {.path = "/databroker.CheckpointService/GetCheckpoint",
     .need = kRead,
     .answer = once<get_checkpoint>},
    {.path = "/databroker.CheckpointService/SetCheckpoint",
     .need = kAdminister,
     .answer = refuse_checkpoint},
    {.path = "/registry.Registry/Report", .need = kRead, .answer = once<report>},
    {.path = "/registry.Registry/List", .need = kRead, .answer = once<list_services>},
    {.path = "/registry.Registry/Watch",
     .need = kRead,
     .is_stream = true,
     .answer = stream<watch_services>},
});

}  // namespace

RecordCalls::RecordCalls(Desk& desk, Most most)
    : desk_(desk), gate_(most.calls), followers_(most.followers) {
  for (const Row& row : kRows) {
    methods_.push_back({.path = std::string(row.path), .message_bytes_max = kMessageBytesMax});
  }
}

// On gRPC's threads.
void RecordCalls::take(std::size_t method, rpc::Call call) {
  const Row& row = kRows[method];
  if ((row.is_stream && !call.enter(followers_)) || !call.enter(gate_)) {
    call.finish({.code = rpc::Code::ResourceExhausted,
                 .text = "too many calls are under way",
                 .details = {}});
    return;
  }
  rpc::Call::hand_to(desk_.core(), std::move(call), [desk = &desk_, &row](rpc::Call open) {
    desk->calls().spawn(row.answer(desk, std::move(open), row.need));
  });
}

void RecordCalls::stop() {
  desk_.core().post([desk = &desk_] { desk->stop(); });
}

}  // namespace vallum::databroker
