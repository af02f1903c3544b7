#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "base/result.h"
#include "databroker/databroker.h"
#include "databroker/rpc/caller.h"
#include "databroker/rpc/limits.h"

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
  std::optional<std::string> after_version;
  // Of Sync: keys and versions are enough.
  bool without_values = false;
  Duration time_left{};

  // For the trailing metadata.
  std::optional<std::uint64_t> epoch_of_lease;
};

// One stream of messages to a caller, as the desk's core sees it.
class Outlet {
 public:
  explicit Outlet(async::Core& core) : turned(core) {}

  // Set when one of the following changed, or there may be something new to send.
  async::Event turned;
  bool is_writing = false;
  bool is_gone = false;  // the caller is, or nothing can be sent any more
  // What the caller asked for beside its message; see CallFacts.
  std::uint64_t after_version = 0;
  bool without_values = false;
};

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

  // Who calls. Unauthenticated.
  Result<Role> admit(const CallFacts& facts);

  // While the outlet is there its stream's events find it by number.
  class Listed {
   public:
    Listed(Desk& desk, std::uint64_t number, Outlet& outlet) : desk_(desk), number_(number) {
      desk_.outlets_.emplace(number, &outlet);
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    ~Listed() { desk_.outlets_.erase(number_); }

   private:
    Desk& desk_;
    std::uint64_t number_;
  };
  void wrote(std::uint64_t number, bool is_sent);
  void cancelled(std::uint64_t number);

  // Streams end soon after it.
  void stop();
  bool is_stopping() const { return is_stopping_; }

 private:
  Outlet* find(std::uint64_t number);

  async::Core& core_;
  Databroker& broker_;
  CallerTokens tokens_;
  const Duration follower_stall_max_;
  std::map<std::uint64_t, Outlet*> outlets_;
  bool is_stopping_ = false;
  async::Scope calls_;
};

}  // namespace vallum::databroker
