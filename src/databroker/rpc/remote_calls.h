#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "databroker/payload.h"
#include "databroker/rpc/limits.h"
#include "databroker/rpc/remote_peers.h"

// How the store of a process that keeps no records calls the one that does. For the files of this
// folder.
namespace vallum::databroker {

using Stub = ::databroker::DataBrokerService::Stub;

struct Called {
  Result<void> result;
  // The trailing metadata's, 0 without it.
  std::uint64_t epoch = 0;
};

std::uint64_t epoch_of(const grpc::ClientContext& context);
// A limit on how long one that took a call and did not answer is asked whether it does now.
Duration timeout_of(const RemotePeers::Peer& peer);
void set_duration(Duration duration, google::protobuf::Duration& message);
// An object as a google.protobuf.Struct.
void write_struct(const Payload& object, google::protobuf::Struct& message);

template <class Request, class Response>
Called call(RemotePeers& peers,
            RemotePeers::Use use,
            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
            const Request& request,
            Response& response) {
  peers.use_newest();
  auto peer = peers.next(use);
  if (!peer) {
    return {.result = fail(peer.error())};
  }
  const Duration timeout = timeout_of(**peer);
  grpc::ClientContext context;
  (*peer)->channel->prepare(context, timeout);
  const grpc::Status status = ((*peer)->channel->stub().*method)(&context, request, &response);
  return {.result = peers.outcome(**peer, status, timeout), .epoch = epoch_of(context)};
}

// One of several calls that are under way together.
template <class Response>
struct Answered {
  Response response;
  Result<void> result;
  // Whether a databroker may have got it.
  bool was_sent = false;
};

// All at once. `add(i, context)` adds metadata to the i-th.
template <class Request, class Response, class Add>
std::vector<Answered<Response>> call_all(
    RemotePeers& peers,
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*method)(
        grpc::ClientContext*, const Request&, grpc::CompletionQueue*),
    const std::vector<Request>& requests,
    Add add) {
  struct Flight {
    RemotePeers::Peer* peer = nullptr;
    grpc::ClientContext context;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  };
  std::vector<Answered<Response>> answers(requests.size());
  std::vector<Flight> flights(requests.size());
  grpc::CompletionQueue queue;
  std::size_t under_way = 0;
  peers.use_newest();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto peer = peers.next();
    if (!peer) {
      answers[i].result = fail(peer.error());
      continue;
    }
    Flight& flight = flights[i];
    flight.peer = *peer;
    answers[i].was_sent = true;
    flight.peer->channel->prepare(flight.context, kAnswerTimeout);
    add(i, flight.context);
    flight.reader = (flight.peer->channel->stub().*method)(&flight.context, requests[i], &queue);
    flight.reader->Finish(&answers[i].response, &flight.status, &flight);
    ++under_way;
  }
  void* tag = nullptr;
  for (bool is_ok = false; under_way > 0; --under_way) {
    CHECK(queue.Next(&tag, &is_ok));
  }
  queue.Shutdown();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (answers[i].was_sent) {
      answers[i].result = peers.outcome(*flights[i].peer, flights[i].status, kAnswerTimeout);
    }
  }
  return answers;
}

struct StreamUse {
  RemotePeers::Use use = RemotePeers::Use::Call;
  Duration timeout = kAnswerTimeout;
  // Of the request, when not empty.
  std::string metadata = {};
  std::string value = {};
};

// Reads until the stream ends, or until `take(message)` wants no more.
template <class Message, class Request, class Take>
Result<void> read_stream(RemotePeers& peers,
                         const StreamUse& use,
                         std::unique_ptr<grpc::ClientReader<Message>> (Stub::*method)(
                             grpc::ClientContext*, const Request&),
                         const Request& request,
                         Take take) {
  peers.use_newest();
  TRY(RemotePeers::Peer* const peer, peers.next(use.use));
  const Duration timeout = peer->is_suspect ? timeout_of(*peer) : use.timeout;
  grpc::ClientContext context;
  peer->channel->prepare(context, timeout);
  if (!use.metadata.empty()) {
    context.AddMetadata(use.metadata, use.value);
  }
  const auto reader = (peer->channel->stub().*method)(&context, request);
  Message message;
  bool wants_more = true;
  while (wants_more && reader->Read(&message)) {
    wants_more = take(message);
  }
  if (!wants_more) {
    context.TryCancel();
  }
  const grpc::Status status = reader->Finish();
  return wants_more ? peers.outcome(*peer, status, timeout) : Result<void>();
}

}  // namespace vallum::databroker
