#include "rpc/call.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <grpc/grpc_security_constants.h>

#include "base/check.h"
#include "rpc/limits.h"
#include "rpc/native_call.h"

namespace vallum::rpc {
namespace {

Unexpected gone() {
  return fail(ErrorKind::Cancelled, "the caller went away");
}

}  // namespace

Call::~Call() {
  if (native_ != nullptr) {
    finish({.code = Code::Unavailable, .text = "the process stops", .details = {}});
  }
}

std::string Call::peer() const {
  return native_->context().peer();
}

std::vector<std::string> Call::certificate_names() const {
  std::vector<std::string> names;
  const auto auth = native_->context().auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) {
    return names;
  }
  for (const grpc::string_ref& name : auth->FindPropertyValues(GRPC_X509_SAN_PROPERTY_NAME)) {
    names.emplace_back(name.data(), name.size());
  }
  return names;
}

std::optional<std::string> Call::metadata(const char* name) const {
  const auto [first, last] = native_->context().client_metadata().equal_range(name);
  if (first == last || std::next(first) != last) {
    return std::nullopt;
  }
  return std::string(first->second.data(), first->second.size());
}

Duration Call::time_left() const {
  const auto now = std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
  const auto left = native_->context().deadline() - now;
  return std::clamp<Duration>(
      left > kCallTimeout ? kCallTimeout : std::chrono::duration_cast<Duration>(left),
      Duration::zero(),
      kCallTimeout);
}

bool Call::enter(async::CallGate& gate) {
  return native_->enter(gate);
}

std::uint64_t Call::number() const {
  return native_->number();
}

void Call::belong_to(async::Core& core) {
  native_->belong_to(core);
}

Async<void> Call::receive_into(Call* call,
                               std::unique_ptr<google::protobuf::MessageLite> message,
                               Deadline deadline) {
  NativeCall* const native = call->native_;
  native->start_read(std::move(message));
  while (native->reading() == NativeCall::Reading::NotDone) {
    const bool has_turned = co_await native->turned().wait(deadline);
    native->turned().reset();
    if (!has_turned) {
      co_return fail(ErrorKind::DeadlineExceeded, "the request did not come in time");
    }
  }
  switch (native->reading()) {
    case NativeCall::Reading::Message:
      co_return Result<void>();
    case NativeCall::Reading::TooLong:
      co_return fail(ErrorKind::ResourceExhausted, "the request is too long");
    case NativeCall::Reading::None:
    case NativeCall::Reading::Unreadable:
    case NativeCall::Reading::NotDone:
      break;
  }
  co_return fail(ErrorKind::InvalidInput, "the request is not the method's message");
}

void Call::send_head() {
  native_->StartSendInitialMetadata();
}

Async<void> Call::send(Call* call,
                       const google::protobuf::MessageLite* message,
                       Duration stall_max) {
  NativeCall* const native = call->native_;
  if (native->is_gone()) {
    co_return gone();
  }
  native->start_write(*message);
  Deadline stalled = native->core().deadline_in(stall_max);
  while (native->is_writing()) {
    const bool has_turned = co_await native->turned().wait(stalled);
    native->turned().reset();
    if (native->is_writing() && !has_turned) {
      native->context().TryCancel();
      stalled = Deadline::never();  // the write now ends, one way or the other
    }
  }
  // Whoever waits for news must look again.
  native->turned().set();
  if (native->is_gone()) {
    co_return gone();
  }
  co_return Result<void>();
}

async::Event& Call::turned() {
  return native_->turned();
}

bool Call::is_gone() const {
  return native_->is_gone();
}

void Call::add_trailing(const std::string& name, const std::string& value) {
  native_->context().AddTrailingMetadata(name, value);
}

void Call::answer(const google::protobuf::MessageLite& message) {
  std::exchange(native_, nullptr)->answer(message);
}

void Call::finish(const Status& status) {
  std::exchange(native_, nullptr)->finish(status);
}

}  // namespace vallum::rpc
