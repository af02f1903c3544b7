#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "async/cancel.h"
#include "async/core.h"
#include "async/task.h"
#include "databroker/databroker.h"
#include "identity/provider.h"
#include "refresh/tally.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace vallum::refresh {

// The lease of the one process that does this, by the name that a mixed cluster knows.
inline constexpr std::string_view kLeaseName = "identity_manager";

struct RenewalSettings {
  // The claim written as the user's directory record; empty: none is written.
  std::string groups_claim;
};

struct RenewalStatus {
  // This process has the lease.
  bool is_owner = false;
  // Why an operator must act: the provider refuses our registration. Sessions live on until the
  // grace is over.
  std::optional<std::string> alarm;
  std::size_t sessions = 0;
  std::size_t overdue = 0;
};

// Keeps the sessions of the deployment alive at their provider, and ends those that are over
// (identity specification 3.4). Every process may run one; the lease lets one of them work at a
// time. Lives on the control core.
//
//   Renewal renewal(parts, settings);
//   scope.spawn(renewal.run(stop.token()));
class Renewal {
 public:
  // All outlive it; `provider` is null when none is configured: then sessions only end.
  struct Parts {
    async::Core& core;
    databroker::Databroker& broker;
    identity::Provider* provider = nullptr;
    telemetry::Log& log;
    telemetry::MetricRegistry& metrics;
    // Of the control core.
    std::size_t metric_shard = 0;
  };
  Renewal(const Parts& parts, RenewalSettings settings);
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;
  ~Renewal();

  // From the next session on.
  void use(RenewalSettings settings) { settings_ = std::move(settings); }

  // Works, or waits for the lease, until stopped: then lets exchanges under way end, so that no
  // refresh token gets lost, and gives the lease back. Once. Destroying the task is as good as a
  // crash.
  Task<void> run(async::CancelToken stop);

  RenewalStatus status() const;

 private:
  class Term;

  Task<void> wait(Duration duration, async::CancelToken stop);

  Parts parts_;
  RenewalSettings settings_;
  Tally tally_;
  // A secret of this process.
  std::string lease_id_;
  std::optional<std::string> alarm_;
  std::unique_ptr<Term> term_;
};

}  // namespace vallum::refresh
