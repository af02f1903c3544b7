#include "refresh/renewal.h"

#include <utility>

#include "refresh/limits.h"
#include "refresh/term.h"

namespace vallum::refresh {

Renewal::Renewal(const Parts& parts, RenewalSettings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      tally_(parts.metrics, parts.metric_shard),
      lease_id_(parts.core.entropy().uuid()) {}

Renewal::~Renewal() = default;

Task<void> Renewal::run(async::CancelToken stop) {
  while (!stop.is_cancelled()) {
    const Moment asked{.instant = parts_.core.now(), .wall = parts_.core.clock().wall()};
    const Result<databroker::Lease> lease =
        co_await parts_.broker.acquire_lease(std::string(kLeaseName),
                                             lease_id_,
                                             Limits::kLeaseTime,
                                             parts_.core.deadline_in(Limits::kStoreTimeout));
    if (!lease) {
      co_await wait(Limits::kLeaseRenewal, stop);
      continue;
    }
    tally_.set_owner(true);
    term_ = std::make_unique<Term>(*this, *lease, asked);
    co_await term_->run(stop);
    const bool is_lost = term_->is_lost();
    term_.reset();
    tally_.set_owner(false);
    tally_.set_sessions(0, 0);
    if (is_lost) {
      co_await wait(Limits::kLeaseRenewal, stop);
      continue;
    }
    // Somebody else need not wait for it to run out.
    co_await parts_.broker.release_lease(
        std::string(kLeaseName), lease_id_, parts_.core.deadline_in(Limits::kStoreTimeout));
  }
}

Task<void> Renewal::wait(Duration duration, async::CancelToken stop) {
  co_await stop.cancelled(parts_.core.deadline_in(duration));
}

RenewalStatus Renewal::status() const {
  RenewalStatus status{.is_owner = term_ != nullptr, .alarm = alarm_};
  if (term_ != nullptr) {
    status.sessions = term_->sessions();
    status.overdue = term_->overdue();
  }
  return status;
}

}  // namespace vallum::refresh
