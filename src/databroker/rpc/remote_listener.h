#pragma once

#include <memory>

#include "async/snapshot.h"
#include "base/entropy.h"
#include "databroker/rpc/remote_peers.h"
#include "databroker/store/backoff.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Where the store of a process stands, for the thread that listens.
using KnownState = async::SnapshotCell<StoreState>;

// Follows the changes on a stream of its own, to tell that there are some: not which. When the
// stream is lost another one is begun, on the next databroker.
class RemoteListener final : public ChangeListener {
 public:
  // `known` outlives the listener.
  RemoteListener(RemotePeers peers, const KnownState& known, Entropy& entropy);
  ~RemoteListener() override;

  void wait(Duration at_most) override;
  void stop() override;

 private:
  struct Stream;

  // Whether something came that ends wait().
  bool take(void* tag, bool is_ok);
  void begin();
  void end_stream();

  RemotePeers peers_;
  const KnownState& known_;
  Backoff backoff_;
  grpc::CompletionQueue queue_;
  grpc::Alarm stop_alarm_;
  std::unique_ptr<Stream> stream_;
  // Until then no new stream is begun.
  std::chrono::system_clock::time_point pause_ends_;
  bool is_stopped_ = false;
};

}  // namespace vallum::databroker
