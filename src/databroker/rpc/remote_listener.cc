#include "databroker/rpc/remote_listener.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "databroker/rpc/limits.h"

namespace vallum::databroker {

namespace wire = ::databroker;

namespace {

using GrpcTime = std::chrono::system_clock::time_point;

GrpcTime grpc_now() {
  return std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
}

GrpcTime in(Duration duration) {
  return grpc_now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

// Changes that one wait() ends for, however many more there are.
constexpr int kTakenMax = 1024;

// What a completion is of.
enum class Tag : std::uint8_t { Begun, Read, Ended, Stop };

// gRPC hands back an address, of which nothing is read.
void* tag_of(Tag tag) {
  static std::array<char, 4> places{};
  return &places[static_cast<std::size_t>(tag)];
}

}  // namespace

struct RemoteListener::Stream {
  RemotePeers::Peer* peer = nullptr;
  grpc::ClientContext context;
  wire::SyncResponse message;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncReader<wire::SyncResponse>> reader;
};

RemoteListener::RemoteListener(RemotePeers peers, const KnownState& known, Entropy& entropy)
    : peers_(std::move(peers)), known_(known), backoff_(entropy.next_u64()) {}

RemoteListener::~RemoteListener() {
  if (stream_ != nullptr) {
    stream_->context.TryCancel();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool is_ok = false;
  while (queue_.Next(&tag, &is_ok)) {
    // What was asked of a stream that is cancelled comes back, too.
  }
}

void RemoteListener::stop() {
  stop_alarm_.Set(&queue_, grpc_now(), tag_of(Tag::Stop));
}

void RemoteListener::begin() {
  peers_.use_newest();
  const async::Snapshot<StoreState> known = known_.load();
  auto peer = known == nullptr || known->server_version == 0
                  ? Result<RemotePeers::Peer*>(fail(ErrorKind::Unavailable, "nothing is known yet"))
                  : peers_.next();
  if (!peer) {
    pause_ends_ = in(backoff_.next());
    return;
  }
  stream_ = std::make_unique<Stream>();
  stream_->peer = *peer;
  (*peer)->channel->prepare_endless(stream_->context);
  stream_->context.AddMetadata("vallum-without-values", "1");
  wire::SyncRequest request;
  request.set_server_version(known->server_version);
  request.set_record_version(known->latest_version);
  stream_->reader =
      (*peer)->channel->stub().AsyncSync(&stream_->context, request, &queue_, tag_of(Tag::Begun));
}

void RemoteListener::end_stream() {
  static_cast<void>(peers_.outcome(*stream_->peer, stream_->status, Duration::zero()));
  stream_.reset();
  pause_ends_ = in(backoff_.next());
}

bool RemoteListener::take(void* tag, bool is_ok) {
  if (tag == tag_of(Tag::Stop)) {
    is_stopped_ = true;
    return true;
  }
  if (tag == tag_of(Tag::Ended)) {
    end_stream();
    return true;
  }
  if (!is_ok) {
    stream_->reader->Finish(&stream_->status, tag_of(Tag::Ended));
    return false;
  }
  const bool is_change = tag == tag_of(Tag::Read) && stream_->message.has_record();
  if (is_change) {
    backoff_.reset();
  }
  stream_->reader->Read(&stream_->message, tag_of(Tag::Read));
  // What came before there was a stream was told to nobody.
  return is_change || tag == tag_of(Tag::Begun);
}

void RemoteListener::wait(Duration at_most) {
  const GrpcTime ends = in(at_most);
  bool has_come = false;
  for (int taken = 0; !is_stopped_ && taken < kTakenMax;) {
    if (stream_ == nullptr && pause_ends_ <= grpc_now()) {
      begin();
    }
    const GrpcTime until =
        has_come ? grpc_now() : (stream_ == nullptr ? std::min(pause_ends_, ends) : ends);
    void* tag = nullptr;
    bool is_ok = false;
    const auto next = queue_.AsyncNext(&tag, &is_ok, until);
    if (next == grpc::CompletionQueue::GOT_EVENT) {
      has_come = take(tag, is_ok) || has_come;
      taken += has_come ? 1 : 0;
    } else if (has_come || ends <= grpc_now() || next == grpc::CompletionQueue::SHUTDOWN) {
      return;
    }
  }
}

}  // namespace vallum::databroker
