#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

// For the files of this folder; they include gRPC anyhow.
#include <google/protobuf/message_lite.h>          // NOLINT(vallum-headers): see above
#include <grpcpp/generic/async_generic_service.h>  // NOLINT(vallum-headers): see above
#include <grpcpp/grpcpp.h>                         // NOLINT(vallum-headers): see above
#include <grpcpp/impl/codegen/proto_utils.h>       // NOLINT(vallum-headers): see above

#include "async/call_gate.h"
#include "async/core.h"
#include "async/event.h"
#include "rpc/status.h"

namespace vallum::rpc {

// What gRPC and the core share of one call. What gRPC tells is posted to the core, and so is, last
// of all, its own end: nothing that was posted before finds it gone.
class NativeCall final : public grpc::ServerGenericBidiReactor {
 public:
  enum class Reading : std::uint8_t { NotDone, Message, None, TooLong, Unreadable };

  explicit NativeCall(grpc::GenericCallbackServerContext& context) : context_(context) {}

  grpc::CallbackServerContext& context() { return context_; }
  void set_message_bytes_max(std::size_t bytes) { message_bytes_max_ = bytes; }

  bool enter(async::CallGate& gate);
  std::uint64_t number() const { return number_; }
  void belong_to(async::Core& core);
  async::Core& core() { return *core_; }

  // On the core from here on.
  void start_read(std::unique_ptr<google::protobuf::MessageLite> message);
  Reading reading() const { return reading_; }
  void start_write(const google::protobuf::MessageLite& message);
  bool is_writing() const { return is_writing_; }
  bool is_gone() const { return is_gone_; }
  async::Event& turned() { return *turned_; }

  // The ends. Who has an answer may ask the next question, so the places are left first.
  void answer(const google::protobuf::MessageLite& message);
  void finish(const Status& status);

 private:
  void OnReadDone(bool is_read) override;
  void OnWriteDone(bool is_sent) override;
  void OnCancel() override;
  void OnDone() override;
  void serialize(const google::protobuf::MessageLite& message);
  Reading read_message(bool is_read);
  void leave();

  grpc::GenericCallbackServerContext& context_;
  std::size_t message_bytes_max_ = 0;
  std::array<std::optional<async::CallGate::Pass>, 2> passes_;
  std::uint64_t number_ = 0;
  // Nobody's: it is ended where it arrived.
  async::Core* core_ = nullptr;
  std::optional<async::Event> turned_;

  std::unique_ptr<google::protobuf::MessageLite> message_;
  grpc::ByteBuffer received_;
  grpc::ByteBuffer sent_;
  Reading reading_ = Reading::NotDone;
  bool is_writing_ = false;
  bool is_gone_ = false;
};

}  // namespace vallum::rpc
