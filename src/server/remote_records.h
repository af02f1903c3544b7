#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "admin/health.h"
#include "async/core.h"
#include "async/task.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "config/settings.h"
#include "databroker/databroker.h"
#include "databroker/rpc/remote_store.h"

namespace vallum::server {

// How the databrokers that settings name are asked. Fails with text that names the option.
Result<std::vector<databroker::RecordClientOptions>> databrokers_under(
    const config::Settings& settings, const Clock& clock, Entropy& entropy);

// The records of a process that keeps none: those of the databrokers its settings name, which are
// reached later. Clock and entropy outlive the store and are for any thread. Fails with text that
// names the option.
Result<std::unique_ptr<databroker::RemoteStore>> open_remote_records(
    const config::Settings& settings, const Clock& clock, Entropy& entropy);

// Whether other processes change the records as well.
bool shares_records(const config::Settings& settings);

// The part of readiness that says whether the changes of others are followed.
inline constexpr std::string_view kFollowsRecords = "databroker.sync.initial";

// Reports, until it is destroyed, on that core. All outlive it. `went_stale` is called when nothing
// may be decided any more by what is known.
Task<void> report_records(async::Core* core,
                          databroker::Databroker* broker,
                          admin::Health* health,
                          UniqueFunction<void()> went_stale);

}  // namespace vallum::server
