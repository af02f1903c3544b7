#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace vallum::databroker {

// One task that only one process at a time may do.
struct Lease {
  std::string name;
  // Whose it is: a secret of the holder, who renews and releases with it.
  std::string id;
  // Grows with every lease handed out, of whatever name: who holds a later one came later.
  std::uint64_t epoch = 0;
  WallTime expires_at{};

  bool operator==(const Lease&) const = default;
};

// Lets a write happen only while a lease is still the one it was: what a holder that lost its lease
// without noticing still sends is refused.
struct Fence {
  std::string lease;
  std::uint64_t epoch = 0;

  bool operator==(const Fence&) const = default;
};

// Who holds which lease: the rules, for stores that have no better place for them than memory. Time
// is what the caller says, and may jump: a lease may then end early or late, but never do two hold
// one name at the same epoch.
class LeaseTable {
 public:
  // Leases at a time: ResourceExhausted above.
  static constexpr std::size_t kLeasesMax = 256;

  // Conflict while somebody else holds it.
  Result<Lease> acquire(std::string name, std::string id, Duration duration, WallTime now);
  // Conflict when it is not held by that id any more.
  Result<Lease> renew(std::string_view name, std::string_view id, Duration duration, WallTime now);
  // False: it was not held by that id, and nothing changed.
  bool release(std::string_view name, std::string_view id);
  // Conflict when the lease is not held at that epoch.
  Result<void> check(const Fence& fence, WallTime now) const;

  // As stores keep it (sealed).
  std::string encode() const;
  static Result<LeaseTable> decode(std::string_view bytes);

  bool operator==(const LeaseTable&) const = default;

 private:
  std::map<std::string, Lease, std::less<>> leases_;
  std::uint64_t last_epoch_ = 0;
};

}  // namespace vallum::databroker
