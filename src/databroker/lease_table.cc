#include "databroker/lease_table.h"

#include <utility>

#include "proto/store_notes.pb.h"

namespace vallum::databroker {

Result<Lease> LeaseTable::acquire(std::string name,
                                  std::string id,
                                  Duration duration,
                                  WallTime now) {
  if (const auto found = leases_.find(name); found != leases_.end()) {
    if (found->second.expires_at > now) {
      return fail(ErrorKind::Conflict, "lease: somebody else holds it");
    }
  } else if (leases_.size() >= kLeasesMax) {
    std::erase_if(leases_, [now](const auto& entry) { return entry.second.expires_at <= now; });
    if (leases_.size() >= kLeasesMax) {
      return fail(ErrorKind::ResourceExhausted, "lease: too many are held");
    }
  }
  Lease lease{
      .name = name, .id = std::move(id), .epoch = ++last_epoch_, .expires_at = now + duration};
  leases_.insert_or_assign(std::move(name), lease);
  return lease;
}

Result<Lease> LeaseTable::renew(std::string_view name,
                                std::string_view id,
                                Duration duration,
                                WallTime now) {
  const auto found = leases_.find(name);
  if (found == leases_.end() || found->second.id != id || found->second.expires_at <= now) {
    return fail(ErrorKind::Conflict, "lease: it was lost");
  }
  found->second.expires_at = now + duration;
  return found->second;
}

bool LeaseTable::release(std::string_view name, std::string_view id) {
  const auto found = leases_.find(name);
  if (found == leases_.end() || found->second.id != id) {
    return false;
  }
  leases_.erase(found);
  return true;
}

Result<void> LeaseTable::check(const Fence& fence, WallTime now) const {
  const auto found = leases_.find(fence.lease);
  if (found == leases_.end() || found->second.epoch != fence.epoch ||
      found->second.expires_at <= now) {
    return fail(ErrorKind::Conflict, "lease: the write is of somebody who lost it");
  }
  return {};
}

std::string LeaseTable::encode() const {
  ::vallum::store::LeasesNote note;
  note.set_last_epoch(last_epoch_);
  for (const auto& [name, lease] : leases_) {
    auto& kept = *note.add_leases();
    kept.set_name(name);
    kept.set_id(lease.id);
    kept.set_epoch(lease.epoch);
    kept.set_expires_at(lease.expires_at.time_since_epoch().count());
  }
  return note.SerializeAsString();
}

Result<LeaseTable> LeaseTable::decode(std::string_view bytes) {
  ::vallum::store::LeasesNote note;
  if (!note.ParseFromString(std::string(bytes))) {
    return fail(ErrorKind::InvalidInput, "leases: not an encoded table");
  }
  LeaseTable table;
  table.last_epoch_ = note.last_epoch();
  for (const auto& kept : note.leases()) {
    table.leases_.insert_or_assign(kept.name(),
                                   Lease{.name = kept.name(),
                                         .id = kept.id(),
                                         .epoch = kept.epoch(),
                                         .expires_at = WallTime(Duration(kept.expires_at()))});
  }
  return table;
}

}  // namespace vallum::databroker
