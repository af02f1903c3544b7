#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "databroker/rpc/record_channel.h"

namespace vallum::databroker {

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

  static Result<RemotePeers> make(const std::vector<RecordClientOptions>& databrokers,
                                  const Clock& clock,
                                  Entropy& entropy);

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
  Peer* find_connected(Use use);

  std::vector<Peer> peers_;
  std::size_t next_ = 0;
  std::optional<Error> last_failure_;
};

}  // namespace vallum::databroker
