#include "ext_authz/check_calls.h"

#include <utility>

#include "ext_authz/check_messages.h"
#include "ext_authz/decide.h"
#include "proto/ext_authz.pb.h"
#include "rpc/status.h"

namespace vallum::ext_authz {

namespace {

// Who may not ask has nothing read.
Async<void> answer_question(Desk* desk, rpc::Call* call, wire::CheckResponse* response) {
  // The generation of the exchange may be a later one: each is whole.
  const async::Snapshot<proxy::Generation> generation = desk->core().generation();
  const config::ExtAuthzSettings& settings = generation->settings->ext_authz;
  if (!desk->peers().may_ask(address_of_peer(call->peer()), settings)) {
    co_return fail(ErrorKind::PermissionDenied, "this address is not one of ext_authz_peers");
  }
  const Deadline deadline = desk->core().core().deadline_in(settings.check_timeout);
  CO_TRY(const wire::CheckRequest* const request,
         co_await rpc::Call::receive<wire::CheckRequest>(call, deadline));
  const Result<Question> question = read_check(*request);
  if (!question) {
    write_refusal(
        400, static_cast<int>(rpc::Code::InvalidArgument), question.error().message(), response);
    co_return Result<void>();
  }
  const Answer made = co_await decide(&desk->core(), &*question, deadline);
  write_answer(made, response);
  co_return Result<void>();
}

Task<void> answer(Desk* desk, rpc::Call call) {
  wire::CheckResponse response;
  const Result<void> done = co_await answer_question(desk, &call, &response);
  if (done) {
    call.answer(response);
  } else {
    call.finish(rpc::status_of(done.error()));
  }
}

}  // namespace

CheckCalls::CheckCalls(std::vector<Desk*> desks, std::size_t checks_max)
    : desks_(std::move(desks)),
      methods_({{.path = "/envoy.service.auth.v3.Authorization/Check",
                 .message_bytes_max = kQuestionBytesMax}}),
      gate_(checks_max) {}

// On gRPC's threads.
void CheckCalls::take(std::size_t /*method*/, rpc::Call call) {
  if (!call.enter(gate_)) {
    wire::CheckResponse response;
    write_refusal(503,
                  static_cast<int>(rpc::Code::ResourceExhausted),
                  "too many requests are being decided",
                  &response);
    call.answer(response);
    return;
  }
  Desk* const desk = desks_[call.number() % desks_.size()];
  rpc::Call::hand_to(desk->core().core(), std::move(call), [desk](rpc::Call open) {
    desk->calls().spawn(answer(desk, std::move(open)));
  });
}

}  // namespace vallum::ext_authz
