#include "databroker/rpc/registry.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "databroker/messages.h"
#include "databroker/rpc/desk.h"
#include "databroker/rpc/limits.h"
#include "proto/registry.pb.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kType = "type.googleapis.com/registry.ServiceRegistration";

// Of a kind and of no other: its number, and where it is.
using Place = std::pair<int, std::string>;

struct Registered {
  std::set<Place> places;
  // When the first of them ends.
  std::optional<WallTime> ends;
};

// What processes are that may not write otherwise.
bool may_report(Role role, int kind) {
  return role != Role::Reader || kind == ::registry::PROXY || kind == ::registry::AUTHORIZE ||
         kind == ::registry::PROMETHEUS_METRICS;
}

Result<void> check_service(const ::registry::Service& service, Role role) {
  if (!::registry::ServiceKind_IsValid(service.kind()) ||
      service.kind() == ::registry::UNDEFINED_DO_NOT_USE) {
    return fail(ErrorKind::InvalidInput, "registry: a service is of no known kind");
  }
  if (service.endpoint().empty() || service.endpoint().size() > kEndpointBytesMax) {
    return fail(ErrorKind::InvalidInput, "registry: an endpoint is empty or too long");
  }
  if (!may_report(role, service.kind())) {
    return fail(ErrorKind::PermissionDenied,
                "the caller's role may register proxies, authorizers and metrics alone");
  }
  return {};
}

Write registration_of(const ::registry::Service& service, WallTime now) {
  ::registry::ServiceRegistration registration;
  *registration.mutable_service() = service;
  write_time(now + kRegistrationTtl, *registration.mutable_expires_at());
  return Write::put(
      {.type = std::string(kType),
       .id = std::to_string(static_cast<int>(service.kind())) + "/" + service.endpoint()},
      {.type_url = std::string(kType), .bytes = registration.SerializeAsString()});
}

bool is_wanted(const ::registry::ListRequest& request, int kind) {
  return request.kinds().empty() ||
         std::ranges::find(request.kinds(), kind) != request.kinds().end();
}

// Records are deleted some time after they ended.
void add_record(Registered& found,
                const Record& record,
                const ::registry::ListRequest& request,
                WallTime now) {
  const WallTime ends = record.modified_at + kRegistrationTtl;
  ::registry::ServiceRegistration registration;
  if (ends <= now || !registration.ParseFromString(record.value.bytes) ||
      !is_wanted(request, registration.service().kind())) {
    return;
  }
  found.places.emplace(registration.service().kind(), registration.service().endpoint());
  found.ends = std::min(found.ends.value_or(ends), ends);
}

Async<Registered> find_registered(Desk* desk,
                                  const ::registry::ListRequest* request,
                                  Deadline deadline) {
  Registered found;
  Page page{.after_version = 0, .records_max = desk->broker().limits().read_records_max};
  for (;;) {
    CO_TRY(const FetchedPage fetched,
           co_await desk->broker().list(std::string(kType), page, deadline));
    const WallTime now = desk->core().clock().wall();
    for (const Record& record : fetched.records) {
      add_record(found, record, *request, now);
      page.after_version = record.version;
    }
    if (fetched.records.size() < page.records_max) {
      co_return found;
    }
  }
}

void write_list(const std::set<Place>& places, ::registry::ServiceList& message) {
  for (const auto& [kind, endpoint] : places) {
    ::registry::Service& service = *message.add_services();
    service.set_kind(static_cast<::registry::ServiceKind>(kind));
    service.set_endpoint(endpoint);
  }
}

bool concerns_registry(const FeedEvent& event) {
  return event.kind == FeedEvent::Kind::Resync ||
         std::ranges::any_of(event.batch->records,
                             [](const Record& record) { return record.type == kType; });
}

// Follows the registrations for one caller.
struct Watcher {
  Desk* desk;
  rpc::Call* call;
  const ::registry::ListRequest* request;
  bool has_news = false;
  std::optional<std::set<Place>> told = std::nullopt;
  ::registry::ServiceList message = {};

  bool is_over() const { return call->is_gone() || desk->is_stopping(); }
};

Async<Registered> tell(Watcher* self) {
  self->has_news = false;
  CO_TRY(Registered found,
         co_await find_registered(
             self->desk, self->request, self->desk->core().deadline_in(kCallTimeout)));
  if (self->told != found.places) {
    self->message.Clear();
    write_list(found.places, self->message);
    CO_TRY_OK(co_await Desk::send(self->desk, self->call, &self->message));
    self->told = found.places;
  }
  co_return found;
}

Deadline until(const async::Core& core, std::optional<WallTime> time) {
  return time ? core.deadline_in(std::max<Duration>(*time - core.clock().wall(), Duration::zero()))
              : Deadline::never();
}

}  // namespace

Async<void> report(Work<::registry::RegisterRequest, ::registry::RegisterResponse> work) {
  if (work.request->services_size() > static_cast<int>(kReportedServicesMax)) {
    co_return fail(ErrorKind::InvalidInput, "registry: too many services in one report");
  }
  Batch batch;
  std::set<std::string> ids;
  for (const ::registry::Service& service : work.request->services()) {
    CO_TRY_OK(check_service(service, work.role));
    Write write = registration_of(service, work.desk->core().clock().wall());
    if (ids.insert(write.id).second) {
      batch.push_back(std::move(write));
    }
  }
  if (!batch.empty()) {
    CO_TRY_OK(co_await work.desk->broker().put(std::move(batch), work.deadline));
  }
  work.response->mutable_call_back_after()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(kReportAgainAfter).count());
  co_return Result<void>();
}

Async<void> list_services(Work<::registry::ListRequest, ::registry::ServiceList> work) {
  CO_TRY(const Registered found, co_await find_registered(work.desk, work.request, work.deadline));
  write_list(found.places, *work.response);
  co_return Result<void>();
}

Async<void> watch_services(Desk* desk,
                           rpc::Call* call,
                           const CallFacts* /*facts*/,
                           const ::registry::ListRequest* request) {
  call->send_head();
  Watcher watcher{.desk = desk, .call = call, .request = request};
  const std::unique_ptr<Subscription> subscription =
      desk->broker().subscribe(desk->core(), [&watcher](const FeedEvent& event) {
        if (concerns_registry(event)) {
          watcher.has_news = true;
          watcher.call->turned().set();
        }
      });
  while (!watcher.is_over()) {
    CO_TRY(const Registered found, co_await tell(&watcher));
    const Deadline ends = until(desk->core(), found.ends);
    for (bool is_time = false; !is_time && !watcher.has_news && !watcher.is_over();) {
      const bool has_turned = co_await call->turned().wait(ends);
      call->turned().reset();
      is_time = !has_turned;
    }
  }
  co_return Desk::ended(*desk);
}

}  // namespace vallum::databroker
