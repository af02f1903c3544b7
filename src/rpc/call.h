#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/call_gate.h"
#include "async/core.h"
#include "async/event.h"
#include "async/task.h"
#include "base/result.h"
#include "rpc/status.h"

namespace google::protobuf {
class MessageLite;
}  // namespace google::protobuf

namespace vallum::rpc {

class NativeCall;

// One call, from its arrival to its end. Nothing of its message was read before receive(). It
// begins on one of gRPC's threads; who is given it ends it there, or hands it to a core, on which
// everything else happens. Dropping one that was not ended says that the process stops.
class Call {
 public:
  explicit Call(NativeCall* native) : native_(native) {}
  Call(Call&& other) noexcept : native_(std::exchange(other.native_, nullptr)) {}
  Call& operator=(Call&&) = delete;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  // In gRPC's way: "ipv4:10.0.0.1:443".
  std::string peer() const;
  // Alternative names of the caller's certificate, if it showed one that was verified.
  std::vector<std::string> certificate_names() const;
  // Nothing when it is absent, and when it is there twice: nobody may choose which of them counts.
  std::optional<std::string> metadata(const char* name) const;
  // Until the caller's deadline; kCallTimeout at most.
  Duration time_left() const;

  // Keeps a place until the call ends; false when there is none. Twice at most.
  bool enter(async::CallGate& gate);
  // Of the place that was taken last.
  std::uint64_t number() const;

  // Runs `answer(Call)` on that core.
  template <class F>
  static void hand_to(async::Core& core, Call call, F answer) {
    call.belong_to(core);
    core.post([open = std::move(call), answer = std::move(answer)]() mutable {
      answer(std::move(open));
    });
  }

  // The caller's message, which lives as long as the call. Once. InvalidInput when it is no such
  // message, ResourceExhausted when it is too long, DeadlineExceeded when it does not come.
  template <class Message>
  static Async<const Message*> receive(Call* call, Deadline deadline) {
    auto message = std::make_unique<Message>();
    const Message* const received = message.get();
    CO_TRY_OK(co_await receive_into(call, std::move(message), deadline));
    co_return received;
  }

  // Tells the caller that there is an answer, before its first message.
  void send_head();
  // Writes one message of several and returns when gRPC took it. A caller that takes nothing for
  // `stall_max` is cut off; Cancelled when it is gone. One at a time. The message outlives it.
  static Async<void> send(Call* call,
                          const google::protobuf::MessageLite* message,
                          Duration stall_max);
  // Set when a write ended or the caller went away; others may set it for news of their own, and
  // whoever waits for it looks again.
  async::Event& turned();
  bool is_gone() const;

  void add_trailing(const std::string& name, const std::string& value);
  // Ends the call, which is gone after it: with its one message, or with what became of it.
  void answer(const google::protobuf::MessageLite& message);
  void finish(const Status& status);

 private:
  static Async<void> receive_into(Call* call,
                                  std::unique_ptr<google::protobuf::MessageLite> message,
                                  Deadline deadline);
  void belong_to(async::Core& core);

  NativeCall* native_;
};

}  // namespace vallum::rpc
