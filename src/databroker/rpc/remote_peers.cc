#include "databroker/rpc/remote_peers.h"

#include <chrono>
#include <string>
#include <utility>

#include "databroker/rpc/limits.h"

namespace vallum::databroker {
namespace {

std::chrono::system_clock::time_point in(Duration duration) {
  // NOLINTNEXTLINE(vallum-banned): gRPC's own clock
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

// Waits until the attempt to connect has ended.
bool becomes_connected(grpc::Channel& channel) {
  const auto deadline = in(kConnectTimeout);
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
        !channel.WaitForStateChange(state, deadline)) {
      return state == GRPC_CHANNEL_READY;
    }
  }
}

RecordClientOptions copy_of(const RecordClientOptions& options) {
  return {.address = options.address,
          .shared_secret = options.shared_secret.clone(),
          .service = options.service,
          .clear_text = options.clear_text,
          .authorities_pem = options.authorities_pem,
          .certificate_pem = options.certificate_pem,
          .private_key_pem = options.private_key_pem.clone(),
          .server_name = options.server_name,
          .call_timeout = options.call_timeout,
          .stream_timeout = options.stream_timeout};
}

}  // namespace

Result<RemotePeers> RemotePeers::make(const KnownDatabrokers& databrokers,
                                      const Clock& clock,
                                      Entropy& entropy) {
  RemotePeers made({.databrokers = &databrokers, .clock = &clock, .entropy = &entropy});
  TRY_OK(made.connect_to(databrokers.load()));
  return made;
}

Result<void> RemotePeers::connect_to(
    async::Snapshot<std::vector<RecordClientOptions>> databrokers) {
  used_ = std::move(databrokers);
  std::vector<Peer> peers;
  for (const RecordClientOptions& options : *used_) {
    TRY(auto channel,
        RecordChannel::make(copy_of(options),
                            {.asker = Asker::Service, .keepalive = kKeepalive},
                            *from_.clock,
                            *from_.entropy));
    peers.push_back({.channel = std::move(channel)});
  }
  peers_ = std::move(peers);
  next_ = 0;
  last_failure_.reset();
  return {};
}

void RemotePeers::use_newest() {
  auto newest = from_.databrokers->load();
  if (newest != used_) {
    // What may not be in clear text was said when the configuration was loaded.
    static_cast<void>(connect_to(std::move(newest)));
  }
}

RemotePeers::Peer* RemotePeers::find_connected(Use use) {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[(next_ + i) % peers_.size()];
    // Asking for the state begins to connect.
    if (peer.channel->channel().GetState(true) != GRPC_CHANNEL_READY) {
      continue;
    }
    peer.may_wait = true;
    if (peer.is_suspect && use == Use::Call) {
      continue;
    }
    next_ = (next_ + i + 1) % peers_.size();
    return &peer;
  }
  return nullptr;
}

Result<RemotePeers::Peer*> RemotePeers::next(Use use) {
  if (Peer* const peer = find_connected(use)) {
    return peer;
  }
  // A connection that was just lost, or not made yet, is there in a moment. Once: whoever comes
  // next while it is not does not wait.
  for (Peer& peer : peers_) {
    if (!peer.is_suspect && std::exchange(peer.may_wait, false) &&
        becomes_connected(peer.channel->channel())) {
      peer.may_wait = true;
      return &peer;
    }
  }
  if (use == Use::Probe) {
    for (Peer& peer : peers_) {
      if (peer.channel->channel().GetState(true) == GRPC_CHANNEL_TRANSIENT_FAILURE) {
        return &peer;  // a call fails at once, and says why
      }
    }
  }
  return fail(last_failure_.value_or(
      Error(ErrorKind::Unavailable,
            "databroker " + peers_.front().channel->to().address + ": it cannot be reached")));
}

Result<void> RemotePeers::outcome(Peer& peer, const grpc::Status& status, Duration timeout) {
  Result<void> outcome = peer.channel->outcome(status, timeout);
  if (outcome) {
    peer.is_suspect = false;
    last_failure_.reset();
    return outcome;
  }
  const ErrorKind kind = outcome.error().kind();
  switch (kind) {
    case ErrorKind::DeadlineExceeded:
      peer.is_suspect = true;
      [[fallthrough]];
    case ErrorKind::Unavailable:
    case ErrorKind::Unauthenticated:
    case ErrorKind::Internal:
    case ErrorKind::Cancelled:
      last_failure_ = Error(ErrorKind::Unavailable, std::string(outcome.error().message()));
      return fail(*last_failure_);
    default:
      // It answered.
      peer.is_suspect = false;
      return outcome;
  }
}

Error RemotePeers::distrust(Peer& peer, std::string_view why) {
  peer.is_suspect = true;
  last_failure_ = Error(ErrorKind::Unavailable,
                        "databroker " + peer.channel->to().address +
                            ": its answer makes no sense: " + std::string(why));
  return *last_failure_;
}

}  // namespace vallum::databroker
