#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/core.h"
#include "async/scope.h"
#include "base/result.h"
#include "databroker/databroker.h"
#include "databroker/rpc/caller.h"
#include "databroker/rpc/limits.h"
#include "rpc/call.h"

namespace vallum::databroker {

// What a call brings along beside its message, and takes back.
struct CallFacts {
  std::optional<std::string> token;
  // Alternative names of the caller's certificate, if it showed one.
  std::vector<std::string> certificate_names;
  // The lease a write depends on, as text.
  std::optional<std::string> lease;
  std::optional<std::string> lease_epoch;
  // The versions a Put expects its records to be at, as text.
  std::optional<std::string> expected_versions;
  // Of SyncLatest: only records of later versions.
  std::uint64_t after_version = 0;
  // Of Sync: keys and versions are enough.
  bool without_values = false;

  // For the trailing metadata.
  std::optional<std::uint64_t> epoch_of_lease;
};

CallFacts read_facts(const rpc::Call& call);

// Where calls are answered. Made and destroyed while the core does not run; the rest on the core.
class Desk {
 public:
  // All outlive this. `follower_stall_max`: see limits.h.
  Desk(async::Core& core,
       Databroker& broker,
       const Secret& shared_secret,
       Duration follower_stall_max = kFollowerStallMax)
      : Desk(core, broker, SecretList(shared_secret.clone()), follower_stall_max) {}
  Desk(async::Core& core,
       Databroker& broker,
       const SecretList& shared_secrets,
       Duration follower_stall_max = kFollowerStallMax)
      : core_(core),
        broker_(broker),
        tokens_(shared_secrets),
        follower_stall_max_(follower_stall_max),
        calls_(core) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  async::Core& core() { return core_; }
  Databroker& broker() { return broker_; }
  async::Scope& calls() { return calls_; }
  Duration follower_stall_max() const { return follower_stall_max_; }

  // Other secrets verify callers from now on; streams that are open go on.
  void use(const SecretList& shared_secrets) { tokens_ = CallerTokens(shared_secrets); }

  // Who calls: Unauthenticated. PermissionDenied for one whose role is less than `needed`.
  Result<Role> admit(const CallFacts& facts, Role needed);

  // The message of a caller that was let in; see rpc::Call.
  template <class Request>
  Async<const Request*> receive(rpc::Call* call, Deadline deadline) {
    ++messages_asked_for_;
    return rpc::Call::receive<Request>(call, deadline);
  }
  // How many were; of other callers there is none.
  std::uint64_t messages_asked_for() const { return messages_asked_for_; }

  // A stream that is told when the process stops, while this is there.
  class Listed {
   public:
    Listed(Desk& desk, rpc::Call& call) : desk_(desk), turned_(&call.turned()) {
      desk_.streams_.insert(turned_);
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    ~Listed() { desk_.streams_.erase(turned_); }

   private:
    Desk& desk_;
    async::Event* turned_;
  };

  // Sends one message of a stream, and returns when it was taken. A caller that takes nothing for
  // too long is cut off. When the process stops, a write that was begun may end, so that the caller
  // hears why; the server's grace bounds how long that takes. All outlive it.
  static Async<void> send(Desk* desk,
                          rpc::Call* call,
                          const google::protobuf::MessageLite* message);
  // Why a stream ends that did not come to its end.
  static Unexpected ended(const Desk& desk);

  // Streams end soon after it.
  void stop();
  bool is_stopping() const { return is_stopping_; }

 private:
  async::Core& core_;
  Databroker& broker_;
  CallerTokens tokens_;
  const Duration follower_stall_max_;
  std::uint64_t messages_asked_for_ = 0;
  std::set<async::Event*> streams_;
  bool is_stopping_ = false;
  async::Scope calls_;
};

}  // namespace vallum::databroker
