#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "async/snapshot.h"
#include "base/error.h"
#include "databroker/rpc/record_channel.h"

namespace vallum::databroker {

// Which databrokers a process may ask, and how: what is stored last counts. Any thread.
using KnownDatabrokers = async::SnapshotCell<std::vector<RecordClientOptions>>;

// The databrokers that a process may ask, and which of them is there. One thread at a time.
class RemotePeers {
 public:
  struct Peer {
    std::unique_ptr<RecordChannel> channel;
    // It took a call and did not answer, or answered what makes no sense: nothing is asked of it
    // but whether it is there.
    bool is_suspect = false;
    // The next call waits a moment for the connection, others do not.
    bool may_wait = true;
  };

  // Those of the cell, which is not empty. All outlive it.
  static Result<RemotePeers> make(const KnownDatabrokers& databrokers,
                                  const Clock& clock,
                                  Entropy& entropy);

  // Begins anew with those of the cell if they are others. No peer is used across it. Those there
  // were stay when the others cannot be used.
  void use_newest();

  enum class Use : std::uint8_t {
    Call,
    Probe,  // of a suspect one as well, and of one that cannot be reached, so that it says why
  };
  // The next that is connected. Unavailable: none is.
  Result<Peer*> next(Use use = Use::Call);

  // What became of a call, so that later ones know. Returns what it means to callers of a store.
  Result<void> outcome(Peer& peer, const grpc::Status& status, Duration timeout);

  // For an answer that came and makes no sense. Returns what it means to callers of a store.
  Error distrust(Peer& peer, std::string_view why);

  std::size_t size() const { return peers_.size(); }

 private:
  struct From {
    const KnownDatabrokers* databrokers;
    const Clock* clock;
    Entropy* entropy;
  };
  explicit RemotePeers(From from) : from_(from) {}
  Result<void> connect_to(async::Snapshot<std::vector<RecordClientOptions>> databrokers);
  Peer* find_connected(Use use);

  From from_;
  async::Snapshot<std::vector<RecordClientOptions>> used_;
  std::vector<Peer> peers_;
  std::size_t next_ = 0;
  std::optional<Error> last_failure_;
};

}  // namespace vallum::databroker
