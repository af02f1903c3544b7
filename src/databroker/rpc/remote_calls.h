#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "databroker/payload.h"
#include "databroker/rpc/limits.h"
#include "databroker/rpc/remote_peers.h"

// How the store of a process that keeps no records calls the one that does. For the files of this
// folder.
namespace vallum::databroker {

using Stub = ::databroker::DataBrokerService::Stub;

// What became of one call. Where an answer came that cannot be read, the databroker is distrusted
// already.
template <class Response>
struct Answered {
  Response response = {};
  Result<void> result;
  // The trailing metadata's, 0 without it.
  std::uint64_t epoch = 0;
  // Who may have got it: null when nobody did.
  RemotePeers::Peer* peer = nullptr;

  bool was_sent() const { return peer != nullptr; }
};

std::uint64_t epoch_of(const grpc::ClientContext& context);
// A limit on how long one that took a call and did not answer is asked whether it does now.
Duration timeout_of(const RemotePeers::Peer& peer);
void set_duration(Duration duration, google::protobuf::Duration& message);
// An object as a google.protobuf.Struct.
void write_struct(const Payload& object, google::protobuf::Struct& message);

// Of the content of an answer: whoever sent what makes no sense is distrusted.
template <class T>
Result<T> believed(RemotePeers& peers, RemotePeers::Peer* peer, Result<T> taken) {
  return taken ? std::move(taken) : fail(peers.distrust(*peer, taken.error().message()));
}

// One call that is under way.
template <class Request, class Response>
class Flight {
 public:
  using Method = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*)(
      grpc::ClientContext*, const Request&, grpc::CompletionQueue*);

  // False when there is nobody to ask, which land() then says.
  bool start(RemotePeers& peers,
             RemotePeers::Use use,
             Method method,
             const Request& request,
             grpc::CompletionQueue& queue) {
    auto peer = peers.next(use);
    if (!peer) {
      answer_.result = fail(peer.error());
      return false;
    }
    answer_.peer = *peer;
    timeout_ = timeout_of(**peer);
    (*peer)->channel->prepare(context_, timeout_);
    reader_ = ((*peer)->channel->stub().*method)(&context_, request, &queue);
    reader_->Finish(&answer_.response, &status_, this);
    return true;
  }
  // The queue said so of it. Not `is_ok`: what came is no such message, whatever the status says.
  void has_come(bool is_ok) { is_message_ = is_ok; }

  Answered<Response> land(RemotePeers& peers) {
    if (answer_.peer != nullptr) {
      answer_.epoch = epoch_of(context_);
      answer_.result = peers.outcome(*answer_.peer, status_, timeout_);
      if (answer_.result && !is_message_) {
        answer_.result = fail(peers.distrust(*answer_.peer, "it cannot be read"));
      }
    }
    return std::move(answer_);
  }

  // For more metadata, before it starts.
  grpc::ClientContext& context() { return context_; }

 private:
  grpc::ClientContext context_;
  Answered<Response> answer_;
  Duration timeout_{};
  grpc::Status status_;
  bool is_message_ = false;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader_;
};

// All at once. `add(i, context)` adds metadata to the i-th.
template <class Request, class Response, class Add>
std::vector<Answered<Response>> call_all(
    RemotePeers& peers,
    RemotePeers::Use use,
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*method)(
        grpc::ClientContext*, const Request&, grpc::CompletionQueue*),
    std::span<const Request> requests,
    Add add) {
  std::vector<Flight<Request, Response>> flights(requests.size());
  grpc::CompletionQueue queue;
  std::size_t under_way = 0;
  peers.use_newest();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    add(i, flights[i].context());
    under_way += flights[i].start(peers, use, method, requests[i], queue) ? 1 : 0;
  }
  void* tag = nullptr;
  for (bool is_ok = false; under_way > 0; --under_way) {
    CHECK(queue.Next(&tag, &is_ok));
    static_cast<Flight<Request, Response>*>(tag)->has_come(is_ok);
  }
  queue.Shutdown();
  std::vector<Answered<Response>> answers;
  answers.reserve(requests.size());
  for (auto& flight : flights) {
    answers.push_back(flight.land(peers));
  }
  return answers;
}

template <class Request, class Response>
Answered<Response> call(RemotePeers& peers,
                        RemotePeers::Use use,
                        std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*method)(
                            grpc::ClientContext*, const Request&, grpc::CompletionQueue*),
                        const Request& request) {
  auto answers = call_all(
      peers, use, method, std::span(&request, 1), [](std::size_t, grpc::ClientContext&) {});
  return std::move(answers.front());
}

struct StreamUse {
  const char* method;
  RemotePeers::Use use = RemotePeers::Use::Call;
  // Of all of it. No message is waited for longer than kAnswerTimeout.
  Duration timeout = kAnswerTimeout;
  // Of the request, when not empty.
  std::string metadata = {};
  std::string value = {};
};

// Reads until the stream ends, or until `take(bytes)` wants no more, or says that a message makes
// no sense. The messages are taken as bytes because gRPC shows a message that cannot be read as the
// good end of its stream.
Result<void> read_stream(RemotePeers& peers,
                         const StreamUse& use,
                         const grpc::ByteBuffer& request,
                         UniqueFunction<Result<bool>(grpc::ByteBuffer&)> take);

template <class Message, class Request, class Take>
Result<void> read_stream(RemotePeers& peers,
                         const StreamUse& use,
                         const Request& request,
                         Take take) {
  grpc::ByteBuffer bytes;
  bool is_ours = false;
  CHECK(grpc::SerializationTraits<Request>::Serialize(request, &bytes, &is_ours).ok());
  return read_stream(peers, use, bytes, [&take](grpc::ByteBuffer& received) -> Result<bool> {
    Message message;
    if (!grpc::SerializationTraits<Message>::Deserialize(&received, &message).ok()) {
      return fail(ErrorKind::InvalidInput, "it cannot be read");
    }
    return take(message);
  });
}

}  // namespace vallum::databroker
