#include "server/health_calls.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/health.pb.h"

namespace vallum::server {
namespace {

using Status = admin::CheckReport::Status;

::health::HealthStatus status_of(Status status) {
  switch (status) {
    case Status::Unknown:
      break;
    case Status::Running:
      return ::health::HEALTH_STATUS_RUNNING;
    case Status::Terminating:
      return ::health::HEALTH_STATUS_TERMINATING;
  }
  return ::health::HEALTH_STATUS_UNKNOWN;
}

::health::OverallStatus overall_status_of(const admin::Health& health) {
  const bool ends = std::ranges::any_of(health.checks(), [](const auto& check) {
    return check.second.status == Status::Terminating;
  });
  if (ends) {
    return ::health::OVERALL_STATUS_TERMINATING;
  }
  return health.is_started() ? ::health::OVERALL_STATUS_RUNNING : ::health::OVERALL_STATUS_STARTING;
}

void write_health(const admin::Health& health, ::health::HealthMessage& message) {
  message.Clear();
  message.set_overall_status(overall_status_of(health));
  for (const auto& [name, check] : health.checks()) {
    ::health::ComponentStatus& component = (*message.mutable_statuses())[name];
    component.set_status(status_of(check.status));
    for (std::size_t i = 0; i < check.attributes.size(); ++i) {
      (*component.mutable_attributes())[std::to_string(i + 1)] = check.attributes[i];
    }
    if (!check.error.empty()) {
      component.set_err(check.error);
      if (std::ranges::binary_search(health.required(), name) && !message.has_overall_err()) {
        message.set_overall_err(name + ": " + check.error);
      }
    }
  }
  message.mutable_required()->Assign(health.required().begin(), health.required().end());
}

Async<void> follow(databroker::Desk* desk, rpc::Call* call, admin::Health* health) {
  CO_TRY_OK(desk->admit(databroker::read_facts(*call), databroker::Role::Reader));
  const Deadline deadline = desk->core().deadline_in(call->time_left());
  CO_TRY_OK(co_await desk->receive<::health::HealthStreamRequest>(call, deadline));
  call->send_head();
  bool has_news = true;
  const admin::Health::Watch watch(*health, [&has_news, call] {
    has_news = true;
    call->turned().set();
  });
  ::health::HealthMessage message;
  while (!call->is_gone() && !desk->is_stopping()) {
    if (std::exchange(has_news, false)) {
      write_health(*health, message);
      CO_TRY_OK(co_await databroker::Desk::send(desk, call, &message));
      continue;
    }
    co_await call->turned().wait();
    call->turned().reset();
  }
  co_return databroker::Desk::ended(*desk);
}

Task<void> answer(databroker::Desk* desk, rpc::Call call, admin::Health* health) {
  const databroker::Desk::Listed listed(*desk, call);
  const Result<void> done = co_await follow(desk, &call, health);
  call.finish(done ? rpc::Status() : rpc::status_of(done.error()));
}

}  // namespace

HealthCalls::HealthCalls(databroker::Desk& desk, admin::Health& health)
    : desk_(desk),
      health_(health),
      methods_({{.path = "/health.HealthNotifier/SyncHealth", .message_bytes_max = 1024}}),
      gate_(kFollowersMax) {}

// On gRPC's threads.
void HealthCalls::take(std::size_t /*method*/, rpc::Call call) {
  if (!call.enter(gate_)) {
    call.finish({.code = rpc::Code::ResourceExhausted,
                 .text = "too many calls are under way",
                 .details = {}});
    return;
  }
  rpc::Call::hand_to(
      desk_.core(), std::move(call), [desk = &desk_, health = &health_](rpc::Call open) {
        desk->calls().spawn(answer(desk, std::move(open), health));
      });
}

}  // namespace vallum::server
