#include "refresh/tally.h"

#include "base/check.h"

namespace vallum::refresh {
namespace {

std::string_view name_of(Exchange result) {
  switch (result) {
    case Exchange::Refreshed:
      return "refreshed";
    case Exchange::Ended:
      return "ended";
    case Exchange::Misconfigured:
      return "misconfigured";
    case Exchange::Temporary:
      return "temporary";
    case Exchange::Unproven:
      return "unproven";
  }
  return "";
}

telemetry::Counter labelled(telemetry::MetricRegistry& registry,
                            telemetry::MetricRegistry::Name name,
                            std::string_view label,
                            std::string_view value) {
  const telemetry::MetricLabel one{label, value};
  return registry.counter(name, {&one, 1});
}

}  // namespace

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::Expired:
      return "expired";
    case EndReason::ProviderRefused:
      return "provider-refused";
    case EndReason::AnotherUser:
      return "another-user";
  }
  return "";
}

Tally::Tally(telemetry::MetricRegistry& registry, std::size_t shard)
    : shard_(&registry.shard(shard)),
      rescued_(registry.counter(
          {"vallum_session_tokens_rescued_total",
           "Refresh tokens that were kept although the lease was lost while they were fetched"})),
      owner_(registry.gauge({"vallum_session_refresh_owner",
                             "1 on the process that refreshes the sessions of the deployment"})),
      refused_us_(registry.gauge(
          {"vallum_identity_provider_refuses_us",
           "1 while the identity provider refuses our client id or secret at refreshes"})),
      followed_(registry.gauge({"vallum_sessions_followed", "Sessions that this process follows"})),
      overdue_(registry.gauge({"vallum_session_refreshes_overdue",
                               "Sessions whose tokens should have been refreshed by now"})) {
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    exchanges_[i] = labelled(registry,
                             {"vallum_session_refreshes_total", "Refresh tokens sent, by result"},
                             "result",
                             name_of(static_cast<Exchange>(i)));
  }
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    ends_[i] = labelled(registry,
                        {"vallum_sessions_ended_total", "Sessions ended over time, by reason"},
                        "reason",
                        to_string(static_cast<EndReason>(i)));
  }
  for (std::size_t i = 0; i < user_infos_.size(); ++i) {
    user_infos_[i] =
        labelled(registry,
                 {"vallum_session_userinfo_total", "Questions who a user is, by result"},
                 "result",
                 i == 0 ? "failed" : "answered");
  }
}

void Tally::exchanged(Exchange result) {
  shard_->add(exchanges_[static_cast<std::size_t>(result)]);
}

void Tally::ended(EndReason reason) {
  shard_->add(ends_[static_cast<std::size_t>(reason)]);
}

void Tally::user_info(bool answered) {
  shard_->add(user_infos_[answered ? 1 : 0]);
}

void Tally::set_sessions(std::size_t followed, std::size_t overdue) {
  shard_->set(followed_, static_cast<std::int64_t>(followed));
  shard_->set(overdue_, static_cast<std::int64_t>(overdue));
}

}  // namespace vallum::refresh
