#pragma once

#include "async/task.h"
#include "databroker/rpc/desk.h"

namespace databroker {
class SyncLatestRequest;
class SyncLatestResponse;
class SyncRequest;
class SyncResponse;
}  // namespace databroker

// The methods that answer with a stream. On the desk's core, for a caller that was let in.
namespace vallum::databroker {

// Where the messages of one call go. What comes of it is told to its outlet.
template <class Message>
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Tells the caller that there is an answer, before its first message.
  virtual void send_head() = 0;
  // The message stays as it is until the outlet says that it was written. One at a time.
  virtual void start_write(const Message& message) = 0;
  // Ends a write the caller does not take.
  virtual void cut_off() = 0;
};

// Every change after a version, and those that follow. Conflict where the caller must begin again;
// Cancelled when it went away, Unavailable when the process stops. All outlive the task.
Async<void> sync(Desk* desk,
                 Outlet* outlet,
                 Stream<::databroker::SyncResponse>* stream,
                 const ::databroker::SyncRequest* request);

// Every record as it is, and the version from which sync() goes on.
Async<void> sync_latest(Desk* desk,
                        Outlet* outlet,
                        Stream<::databroker::SyncLatestResponse>* stream,
                        const ::databroker::SyncLatestRequest* request);

}  // namespace vallum::databroker
