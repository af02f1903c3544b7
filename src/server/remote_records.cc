#include "server/remote_records.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "async/sleep.h"
#include "databroker/rpc/peer_options.h"

namespace vallum::server {

Result<std::vector<databroker::RecordClientOptions>> databrokers_under(
    const config::Settings& settings, const Clock& clock, Entropy& entropy) {
  auto databrokers = databroker::databrokers_of(settings,
                                                {.shared_secret = *settings.shared_secret,
                                                 .service = databroker::service_of(settings),
                                                 .now = clock.wall()},
                                                entropy);
  if (!databrokers) {
    return fail(databrokers.error().with_context("tls_derive"));
  }
  return databrokers;
}

Result<std::unique_ptr<databroker::RemoteStore>> open_remote_records(
    const config::Settings& settings, const Clock& clock, Entropy& entropy) {
  TRY(auto databrokers, databrokers_under(settings, clock, entropy));
  auto store = databroker::RemoteStore::make({.databrokers = std::move(databrokers),
                                              .clock = clock,
                                              .entropy = entropy,
                                              .max_staleness = settings.max_staleness});
  if (!store) {
    return fail(store.error().with_context("databroker_service_url"));
  }
  return store;
}

namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(500);

std::string why(const Result<std::optional<Error>>& failure) {
  return failure && *failure ? ": " + std::string((*failure)->message()) : std::string();
}

}  // namespace

Task<void> report_records(async::Core* core,
                          databroker::Databroker* broker,
                          admin::Health* health,
                          UniqueFunction<void()> went_stale) {
  bool is_known = false;
  const auto subscription =
      broker->subscribe(*core, [&is_known](const databroker::FeedEvent& event) {
        is_known = is_known || event.state.server_version != 0;
      });
  for (bool was_stale = false;;) {
    const bool is_stale = broker->is_stale();
    if (is_stale && !was_stale) {
      went_stale();
    }
    was_stale = is_stale;
    if (is_known && !is_stale) {
      health->running(std::string(kFollowsRecords));
    } else {
      const Result<std::optional<Error>> failure = co_await broker->storage_failure();
      health->failed(std::string(kFollowsRecords),
                     (is_known ? "what other processes changed is not known for longer than "
                                 "max_staleness, so that nobody is let in by a session"
                               : "the databroker has not been reached yet") +
                         why(failure));
    }
    co_await async::sleep_for(*core, kLookEvery);
  }
}

bool shares_records(const config::Settings& settings) {
  return !settings.databroker.addresses.empty() ||
         settings.storage.type == config::StorageType::Postgres;
}

}  // namespace vallum::server
