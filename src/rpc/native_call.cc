#include "rpc/native_call.h"

#include <utility>

#include "base/check.h"

namespace vallum::rpc {

bool NativeCall::enter(async::CallGate& gate) {
  std::optional<async::CallGate::Pass> pass = gate.try_enter();
  if (!pass) {
    return false;
  }
  number_ = pass->number();
  std::optional<async::CallGate::Pass>& place = passes_[0] ? passes_[1] : passes_[0];
  CHECK(!place);
  place.emplace(*std::move(pass));
  return true;
}

void NativeCall::leave() {
  for (std::optional<async::CallGate::Pass>& pass : passes_) {
    pass.reset();
  }
}

void NativeCall::belong_to(async::Core& core) {
  core_ = &core;
  turned_.emplace(core);
}

void NativeCall::start_read(std::unique_ptr<google::protobuf::MessageLite> message) {
  CHECK(message_ == nullptr);
  message_ = std::move(message);
  StartRead(&received_);
}

void NativeCall::start_write(const google::protobuf::MessageLite& message) {
  serialize(message);
  is_writing_ = true;
  StartWrite(&sent_);
}

void NativeCall::serialize(const google::protobuf::MessageLite& message) {
  sent_.Clear();
  bool is_owner = false;
  const grpc::Status written = grpc::SerializationTraits<google::protobuf::MessageLite>::Serialize(
      message, &sent_, &is_owner);
  CHECK(written.ok());  // our own message, in memory
}

void NativeCall::answer(const google::protobuf::MessageLite& message) {
  serialize(message);
  leave();
  StartWriteAndFinish(&sent_, grpc::WriteOptions(), grpc::Status::OK);
}

void NativeCall::finish(const Status& status) {
  leave();
  Finish(grpc::Status(static_cast<grpc::StatusCode>(status.code), status.text, status.details));
}

// Parsed on gRPC's thread, so that a long message keeps no core.
NativeCall::Reading NativeCall::read_message(bool is_read) {
  if (!is_read) {
    return Reading::None;
  }
  if (received_.Length() > message_bytes_max_) {
    return Reading::TooLong;
  }
  const grpc::Status parsed = grpc::SerializationTraits<google::protobuf::MessageLite>::Deserialize(
      &received_, message_.get());
  return parsed.ok() ? Reading::Message : Reading::Unreadable;
}

void NativeCall::OnReadDone(bool is_read) {
  const Reading reading = read_message(is_read);
  received_.Clear();
  core_->post([this, reading] {
    reading_ = reading;
    turned_->set();
  });
}

void NativeCall::OnWriteDone(bool is_sent) {
  core_->post([this, is_sent] {
    is_writing_ = false;
    is_gone_ = is_gone_ || !is_sent;
    turned_->set();
  });
}

void NativeCall::OnCancel() {
  if (core_ != nullptr) {
    core_->post([this] {
      is_gone_ = true;
      turned_->set();
    });
  }
}

void NativeCall::OnDone() {
  leave();
  std::unique_ptr<NativeCall> self(this);
  if (core_ != nullptr) {
    core_->post([last = std::move(self)] {});
  }
}

}  // namespace vallum::rpc
