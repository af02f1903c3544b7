#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "telemetry/metrics.h"

namespace vallum::refresh {

// Why a session ended.
enum class EndReason : std::uint8_t {
  Expired,          // its own time was over, or that of tokens nobody can exchange
  ProviderRefused,  // invalid_grant or access_denied
  AnotherUser,      // the provider answered with another user's identity
};
// As metrics and log lines name it.
std::string_view to_string(EndReason reason);

// What came of an exchange of tokens.
enum class Exchange : std::uint8_t {
  Refreshed,
  Ended,          // the provider refused the session, or answered with another user's tokens
  Misconfigured,  // the provider refused our registration
  Temporary,      // it may work later
  Unproven,       // new tokens came with an ID token that could not be verified
};

// The metrics of sessions over time. Written by the control core.
class Tally {
 public:
  Tally(telemetry::MetricRegistry& registry, std::size_t shard);

  void exchanged(Exchange result);
  void ended(EndReason reason);
  void user_info(bool answered);
  void tokens_rescued() { shard_->add(rescued_); }
  void set_owner(bool is_owner) { shard_->set(owner_, is_owner ? 1 : 0); }
  void set_refused_us(bool refused) { shard_->set(refused_us_, refused ? 1 : 0); }
  void set_sessions(std::size_t followed, std::size_t overdue);

 private:
  telemetry::MetricShard* shard_;
  std::array<telemetry::Counter, 5> exchanges_{};
  std::array<telemetry::Counter, 3> ends_{};
  std::array<telemetry::Counter, 2> user_infos_{};
  telemetry::Counter rescued_;
  telemetry::Gauge owner_;
  telemetry::Gauge refused_us_;
  telemetry::Gauge followed_;
  telemetry::Gauge overdue_;
};

}  // namespace vallum::refresh
