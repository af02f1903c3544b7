#include "databroker/rpc/remote_calls.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include <google/protobuf/struct.pb.h>

#include "base/strings.h"

namespace vallum::databroker {
namespace {

constexpr Duration kProbeTimeout = std::chrono::seconds(1);

// What came of one step of a stream.
enum class Step : std::uint8_t { Done, Ended, Silent };

Step next_step(grpc::CompletionQueue& queue, Duration at_most) {
  void* tag = nullptr;
  bool is_ok = false;
  // NOLINTNEXTLINE(vallum-banned): gRPC's own clock
  const auto until = std::chrono::system_clock::now() +
                     std::chrono::duration_cast<std::chrono::system_clock::duration>(at_most);
  if (queue.AsyncNext(&tag, &is_ok, until) != grpc::CompletionQueue::GOT_EVENT) {
    return Step::Silent;
  }
  return is_ok ? Step::Done : Step::Ended;
}

void write_value(const Payload& from, google::protobuf::Value& to) {
  switch (from.kind) {
    case Payload::Kind::Null:
      to.set_null_value(google::protobuf::NULL_VALUE);
      return;
    case Payload::Kind::Bool:
      to.set_bool_value(from.text == "true");
      return;
    case Payload::Kind::Number: {
      double number = 0;
      std::from_chars(from.text.data(), from.text.data() + from.text.size(), number);
      to.set_number_value(number);
      return;
    }
    case Payload::Kind::Text:
    case Payload::Kind::Bytes:
      to.set_string_value(from.text);
      return;
    case Payload::Kind::List:
      to.mutable_list_value();
      for (const Payload& item : from.items) {
        write_value(item, *to.mutable_list_value()->add_values());
      }
      return;
    case Payload::Kind::Object:
      write_struct(from, *to.mutable_struct_value());
      return;
  }
}

void wait_for_the_last(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool is_ok = false;
  CHECK(queue.Next(&tag, &is_ok));
}

}  // namespace

std::uint64_t epoch_of(const grpc::ClientContext& context) {
  const auto& trailer = context.GetServerTrailingMetadata();
  const auto found = trailer.find("vallum-lease-epoch");
  const auto epoch = found == trailer.end()
                         ? std::nullopt
                         : parse_u64({found->second.data(), found->second.size()});
  return epoch.value_or(0);
}

Duration timeout_of(const RemotePeers::Peer& peer) {
  return peer.is_suspect ? kProbeTimeout : kAnswerTimeout;
}

void set_duration(Duration duration, google::protobuf::Duration& message) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  message.set_seconds(seconds.count());
  message.set_nanos(static_cast<std::int32_t>((duration - seconds).count()));
}

void write_struct(const Payload& object, google::protobuf::Struct& message) {
  for (std::size_t i = 0; i < object.names.size(); ++i) {
    write_value(object.items[i], (*message.mutable_fields())[object.names[i]]);
  }
}

Result<void> read_stream(RemotePeers& peers,
                         const StreamUse& use,
                         const grpc::ByteBuffer& request,
                         UniqueFunction<Result<bool>(grpc::ByteBuffer&)> take) {
  peers.use_newest();
  TRY(RemotePeers::Peer* const peer, peers.next(use.use));
  const Duration timeout = peer->is_suspect ? timeout_of(*peer) : use.timeout;
  grpc::ClientContext context;
  peer->channel->prepare(context, timeout);
  if (!use.metadata.empty()) {
    context.AddMetadata(use.metadata, use.value);
  }
  grpc::CompletionQueue queue;
  const auto stream = peer->channel->wire_stub().PrepareCall(&context, use.method, &queue);
  stream->StartCall(nullptr);
  Step step = next_step(queue, kAnswerTimeout);
  if (step == Step::Done) {
    stream->WriteLast(request, grpc::WriteOptions(), nullptr);
    step = next_step(queue, kAnswerTimeout);
  }
  bool wants_more = true;
  std::optional<Error> nonsense;
  grpc::ByteBuffer bytes;
  while (step == Step::Done && wants_more) {
    stream->Read(&bytes, nullptr);
    step = next_step(queue, kAnswerTimeout);
    if (step == Step::Done) {
      Result<bool> taken = take(bytes);
      wants_more = taken && *taken;
      if (!taken) {
        nonsense = taken.error();
      }
    }
  }
  if (step != Step::Ended) {
    context.TryCancel();
  }
  if (step == Step::Silent) {
    wait_for_the_last(queue);  // what was begun comes back now
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait_for_the_last(queue);
  queue.Shutdown();
  if (nonsense) {
    return fail(peers.distrust(*peer, nonsense->message()));
  }
  if (step == Step::Silent) {
    return peers.outcome(
        *peer, grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""), kAnswerTimeout);
  }
  return wants_more ? peers.outcome(*peer, status, timeout) : Result<void>();
}

}  // namespace vallum::databroker
