#include "databroker/rpc/remote_store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <google/protobuf/struct.pb.h>

#include "base/strings.h"
#include "databroker/messages.h"
#include "databroker/rpc/held_records.h"
#include "databroker/rpc/limits.h"
#include "databroker/rpc/recent_changes.h"
#include "databroker/rpc/remote_answers.h"
#include "databroker/rpc/remote_calls.h"
#include "databroker/rpc/remote_listener.h"

namespace vallum::databroker {

namespace wire = ::databroker;

namespace {

// No record has this type: asking for it tells where the data set stands.
constexpr const char* kNoType = "vallum.Nothing";
constexpr const char* kSync = "/databroker.DataBrokerService/Sync";
constexpr const char* kSyncLatest = "/databroker.DataBrokerService/SyncLatest";
// Gets that are under way at a time.
constexpr std::size_t kGetsAtOnce = 128;

// What a batch depends on, as metadata of its call.
struct PutConditions {
  std::string expected_versions;  // empty: none
  std::optional<Fence> fence;
};

// All of a batch happens or nothing, so a lease that one write names holds for all.
Result<PutConditions> conditions_of(const Batch& batch) {
  PutConditions conditions;
  bool has_expectations = false;
  for (const Write& write : batch) {
    conditions.expected_versions.append(conditions.expected_versions.empty() ? "" : ",")
        .append(write.expected_version ? std::to_string(*write.expected_version) : "-");
    has_expectations = has_expectations || write.expected_version;
    if (write.fence && conditions.fence && *write.fence != *conditions.fence) {
      return fail(ErrorKind::InvalidInput, "a batch for another process may name one lease");
    }
    conditions.fence = write.fence ? write.fence : conditions.fence;
  }
  if (!has_expectations) {
    conditions.expected_versions.clear();
  }
  return conditions;
}

void add_conditions(const PutConditions& conditions, grpc::ClientContext& context) {
  if (!conditions.expected_versions.empty()) {
    context.AddMetadata("vallum-expected-versions", conditions.expected_versions);
  }
  if (conditions.fence) {
    context.AddMetadata("vallum-lease", conditions.fence->lease);
    context.AddMetadata("vallum-lease-epoch", std::to_string(conditions.fence->epoch));
  }
}

void write_batch(Batch batch, WallTime now, wire::PutRequest& request) {
  for (Write& write : batch) {
    Record record{.type = std::move(write.type),
                  .id = std::move(write.id),
                  .value = {},
                  .version = 0,
                  .modified_at = {},
                  .deleted_at = std::nullopt};
    if (write.value) {
      record.value = *std::move(write.value);
    } else {
      record.deleted_at = now;
    }
    write_record(std::move(record), *request.add_records());
  }
}

// Where it is not sure that a databroker refused, it may have written.
BatchOutcome outcome_of_put(RemotePeers& peers,
                            Answered<wire::PutResponse>& answer,
                            const wire::PutRequest& request) {
  BatchOutcome outcome = answer.result
                             ? believed(peers, answer.peer, take_put(answer.response, request))
                             : BatchOutcome(fail(answer.result.error()));
  if (!outcome && answer.was_sent() && outcome.error().kind() == ErrorKind::Unavailable) {
    return fail(ErrorKind::DeadlineExceeded,
                std::string(outcome.error().message()) + "; the write may have happened");
  }
  return outcome;
}

}  // namespace

struct RemoteStore::Native {
  Native(std::unique_ptr<KnownDatabrokers> of,
         RemotePeers peers_of_calls,
         RemotePeers peers_of_listener,
         const Parts& parts)
      : databrokers(std::move(of)),
        peers(std::move(peers_of_calls)),
        listeners_peers(std::move(peers_of_listener)),
        clock(parts.clock),
        entropy(parts.entropy),
        max_staleness(parts.max_staleness),
        held(kHeldBytesMax) {}

  Result<void> begin_anew();
  Result<void> pull();
  Result<void> take_changes();
  // What is asked for is held only in a data set that is known.
  Result<void> ensure_known() { return state.server_version == 0 ? pull() : Result<void>(); }
  void take_change(const Record& change);
  void tell_listener() { known.store(async::make_snapshot<StoreState>(state)); }
  bool may_use_held() const { return pulled_at && clock.now() - *pulled_at < max_staleness; }
  Result<void> ask_for(const std::vector<RecordKey>& keys,
                       std::span<const std::size_t> missing,
                       std::vector<std::optional<Record>>& records);
  Result<std::vector<BatchOutcome>> put_all(std::vector<Batch> batches);

  std::unique_ptr<KnownDatabrokers> databrokers;
  RemotePeers peers;
  std::optional<RemotePeers> listeners_peers;  // until listen()
  const Clock& clock;
  Entropy& entropy;
  const Duration max_staleness;
  StoreState state;
  KnownState known{async::make_snapshot<StoreState>()};
  std::optional<Instant> pulled_at;
  HeldRecords held;
  RecentChanges recent;
  // What the databroker calls the leases we hold, by name and by our id.
  std::map<std::pair<std::string, std::string>, std::string> leases;
};

// Where the data set stands; everything known before is forgotten.
Result<void> RemoteStore::Native::begin_anew() {
  const auto versions =
      call(peers, RemotePeers::Use::Probe, &Stub::AsyncServerInfo, google::protobuf::Empty());
  TRY_OK(versions.result);
  wire::QueryRequest request;
  request.set_type(kNoType);
  const auto answer = call(peers, RemotePeers::Use::Probe, &Stub::AsyncQuery, request);
  TRY_OK(answer.result);
  TRY(state, believed(peers, answer.peer, take_state(versions.response, answer.response)));
  held.clear();
  recent.begin(state.latest_version);
  tell_listener();
  return {};
}

void RemoteStore::Native::take_change(const Record& change) {
  state.latest_version = change.version;
  held.note(change);
  recent.note(change);
}

// All changes up to now. What was taken before a failure stays taken: they come in order.
Result<void> RemoteStore::Native::take_changes() {
  wire::SyncRequest request;
  request.set_server_version(state.server_version);
  request.set_record_version(state.latest_version);
  request.set_wait(false);
  ChangeReader changes(state.latest_version);
  const auto take = [this, &changes](wire::SyncResponse& message) -> Result<bool> {
    TRY(const auto change, changes.take(message));
    if (change) {
      take_change(*change);
    }
    return true;
  };
  return read_stream<wire::SyncResponse>(
      peers, {.method = kSync, .use = RemotePeers::Use::Probe}, request, take);
}

Result<void> RemoteStore::Native::pull() {
  const Instant began = clock.now();
  const StoreState before = state;
  Result<void> taken = state.server_version == 0 ? begin_anew() : take_changes();
  if (!taken && taken.error().kind() == ErrorKind::Conflict) {
    taken = begin_anew();
  }
  if (state != before) {
    tell_listener();
  }
  if (taken) {
    pulled_at = began;
  }
  return taken;
}

// What is not held. All at once, as far as that is bounded.
Result<void> RemoteStore::Native::ask_for(const std::vector<RecordKey>& keys,
                                          std::span<const std::size_t> missing,
                                          std::vector<std::optional<Record>>& records) {
  while (!missing.empty()) {
    const auto now = missing.first(std::min(missing.size(), kGetsAtOnce));
    missing = missing.subspan(now.size());
    std::vector<wire::GetRequest> requests(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
      requests[i].set_type(keys[now[i]].type);
      requests[i].set_id(keys[now[i]].id);
    }
    auto answers = call_all(peers,
                            RemotePeers::Use::Call,
                            &Stub::AsyncGet,
                            std::span(std::as_const(requests)),
                            [](std::size_t, grpc::ClientContext&) {});
    for (std::size_t i = 0; i < now.size(); ++i) {
      const RecordKey& key = keys[now[i]];
      if (answers[i].result) {
        TRY(Record record, believed(peers, answers[i].peer, take_get(answers[i].response, key)));
        held.hold(record);
        records[now[i]] = std::move(record);
      } else if (answers[i].result.error().kind() == ErrorKind::NotFound) {
        held.hold_absent(key, state.latest_version);
      } else {
        return fail(answers[i].result.error());
      }
    }
  }
  return {};
}

// One answer for each batch; a failure when none was sent.
Result<std::vector<BatchOutcome>> RemoteStore::Native::put_all(std::vector<Batch> batches) {
  std::vector<BatchOutcome> outcomes(batches.size());
  std::vector<wire::PutRequest> requests;
  std::vector<PutConditions> conditions;
  std::vector<std::size_t> places;  // of the requests' batches
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto of_batch = conditions_of(batches[i]);
    if (!of_batch) {
      outcomes[i] = fail(of_batch.error());
      continue;
    }
    conditions.push_back(*std::move(of_batch));
    write_batch(std::move(batches[i]), clock.wall(), requests.emplace_back());
    places.push_back(i);
  }
  auto answers = call_all(peers,
                          RemotePeers::Use::Call,
                          &Stub::AsyncPut,
                          std::span(std::as_const(requests)),
                          [&conditions](std::size_t i, grpc::ClientContext& context) {
                            add_conditions(conditions[i], context);
                          });
  const bool is_any_sent =
      std::ranges::any_of(answers, [](const auto& answer) { return answer.was_sent(); });
  if (!answers.empty() && !is_any_sent) {
    return fail(answers.front().result.error());
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    BatchOutcome& outcome = outcomes[places[i]];
    outcome = outcome_of_put(peers, answers[i], requests[i]);
    if (outcome) {
      for (const Record& record : *outcome) {
        held.hold(record);
      }
    }
  }
  return outcomes;
}

RemoteStore::RemoteStore(std::unique_ptr<Native> native) : native_(std::move(native)) {}
RemoteStore::~RemoteStore() = default;

Result<std::unique_ptr<RemoteStore>> RemoteStore::make(Parts parts) {
  auto databrokers = std::make_unique<KnownDatabrokers>(
      async::make_snapshot<std::vector<RecordClientOptions>>(std::move(parts.databrokers)));
  TRY(auto peers, RemotePeers::make(*databrokers, parts.clock, parts.entropy));
  TRY(auto of_listener, RemotePeers::make(*databrokers, parts.clock, parts.entropy));
  auto native = std::make_unique<Native>(
      std::move(databrokers), std::move(peers), std::move(of_listener), parts);
  return std::unique_ptr<RemoteStore>(new RemoteStore(std::move(native)));
}

void RemoteStore::use(std::vector<RecordClientOptions> databrokers) {
  native_->databrokers->store(
      async::make_snapshot<std::vector<RecordClientOptions>>(std::move(databrokers)));
}

StoreState RemoteStore::state() const {
  return native_->state;
}

Result<StoreState> RemoteStore::refresh() {
  TRY_OK(native_->pull());
  return native_->state;
}

std::unique_ptr<ChangeListener> RemoteStore::listen() {
  if (!native_->listeners_peers) {
    return nullptr;
  }
  RemotePeers peers = *std::exchange(native_->listeners_peers, std::nullopt);
  return std::make_unique<RemoteListener>(std::move(peers), native_->known, native_->entropy);
}

// Side by side, but for batches about one record: those go one after the other.
Result<std::vector<BatchOutcome>> RemoteStore::commit(std::vector<Batch> batches,
                                                      WallTime /*now*/) {
  TRY_OK(native_->ensure_known());
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(batches.size());
  auto next = batches.begin();
  while (next != batches.end()) {
    std::set<RecordKey> written;
    std::vector<Batch> wave;
    for (; next != batches.end(); ++next) {
      const bool is_free = std::ranges::none_of(*next, [&written](const Write& write) {
        return written.contains({.type = write.type, .id = write.id});
      });
      if (!is_free) {
        break;
      }
      for (const Write& write : *next) {
        written.insert({.type = write.type, .id = write.id});
      }
      wave.push_back(std::move(*next));
    }
    auto done = native_->put_all(std::move(wave));
    if (!done && outcomes.empty()) {
      return fail(std::move(done).error());
    }
    while (!done && outcomes.size() < batches.size()) {
      outcomes.emplace_back(fail(done.error()));
    }
    if (!done) {
      break;
    }
    std::ranges::move(*done, std::back_inserter(outcomes));
  }
  // Whoever wrote is told of everything up to it. Nothing is lost when that fails: it is told
  // later. One that answered none of this is not asked now.
  const bool is_any_answered = std::ranges::any_of(outcomes, [](const BatchOutcome& outcome) {
    return outcome || outcome.error().kind() != ErrorKind::DeadlineExceeded;
  });
  if (is_any_answered) {
    static_cast<void>(native_->pull());
  }
  return outcomes;
}

Result<Record> RemoteStore::get(const RecordKey& key) {
  TRY(auto records, get_many({key}));
  return records.front() ? Result<Record>(*std::move(records.front()))
                         : fail(ErrorKind::NotFound, "record not found");
}

Result<std::vector<std::optional<Record>>> RemoteStore::get_many(
    const std::vector<RecordKey>& keys) {
  TRY_OK(native_->ensure_known());
  std::vector<std::optional<Record>> records(keys.size());
  std::vector<std::size_t> missing;
  const bool may_use_held = native_->may_use_held();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto held = may_use_held ? native_->held.find(keys[i]) : std::nullopt;
    if (!held) {
      missing.push_back(i);
    } else if (*held != nullptr) {
      records[i] = **held;
    }
  }
  TRY_OK(native_->ask_for(keys, missing, records));
  return records;
}

Result<std::vector<Record>> RemoteStore::list(std::string_view type, Page page) {
  std::vector<Record> records;
  if (page.records_max == 0) {
    return records;
  }
  wire::SyncLatestRequest request;
  request.set_type(std::string(type));
  RecordReader reader(type, page.after_version);
  const auto take = [&](wire::SyncLatestResponse& message) -> Result<bool> {
    TRY(auto record, reader.take(message));
    if (record) {
      records.push_back(*std::move(record));
    }
    return records.size() < page.records_max;
  };
  TRY_OK(read_stream<wire::SyncLatestResponse>(native_->peers,
                                               {.method = kSyncLatest,
                                                .timeout = kListTimeout,
                                                .metadata = "vallum-after-version",
                                                .value = std::to_string(page.after_version)},
                                               request,
                                               take));
  if (records.size() < page.records_max && !reader.is_whole()) {
    return fail(ErrorKind::Unavailable, "the databroker's list ended before its last record");
  }
  return records;
}

Result<std::vector<Record>> RemoteStore::find(std::string_view type,
                                              const std::vector<IndexEntry>& any_of,
                                              Page page) {
  TRY(const OptionsByType all, options());
  const auto of_type = all.find(type);
  const TypeOptions* const options_of_type = of_type == all.end() ? nullptr : &of_type->second;
  std::vector<Record> found;
  constexpr std::size_t kPage = 512;
  for (Page part{.after_version = page.after_version, .records_max = kPage};;) {
    TRY(std::vector<Record> records, list(type, part));
    for (Record& record : records) {
      part.after_version = record.version;
      const auto entries = index_entries(record, options_of_type);
      const bool is_found = std::ranges::any_of(any_of, [&entries](const IndexEntry& wanted) {
        return std::ranges::binary_search(entries, wanted);
      });
      if (is_found && found.size() < page.records_max) {
        found.push_back(std::move(record));
      }
    }
    if (records.size() < kPage || found.size() == page.records_max) {
      return found;
    }
  }
}

Result<std::vector<std::string>> RemoteStore::types() {
  auto answer = call(
      native_->peers, RemotePeers::Use::Call, &Stub::AsyncListTypes, google::protobuf::Empty());
  TRY_OK(answer.result);
  return believed(native_->peers, answer.peer, take_types(answer.response));
}

Result<std::uint64_t> RemoteStore::count(std::string_view type) {
  Query of_all;
  of_all.type = std::string(type);
  TRY(const QueryAnswer answer, query(of_all));
  return answer.total_count;
}

Result<std::vector<Record>> RemoteStore::changes(Page page) {
  if (native_->recent.covers(page.after_version)) {
    return native_->recent.after(page);
  }
  wire::SyncRequest request;
  request.set_server_version(native_->state.server_version);
  request.set_record_version(page.after_version);
  request.set_wait(false);
  std::vector<Record> records;
  if (page.records_max == 0) {
    return records;
  }
  ChangeReader changes(page.after_version);
  const auto take = [&](wire::SyncResponse& message) -> Result<bool> {
    TRY(auto change, changes.take(message));
    if (change) {
      records.push_back(*std::move(change));
    }
    return records.size() < page.records_max;
  };
  TRY_OK(read_stream<wire::SyncResponse>(
      native_->peers, {.method = kSync, .timeout = kListTimeout}, request, take));
  return records;
}

Result<QueryAnswer> RemoteStore::query(const Query& query) {
  wire::QueryRequest request;
  request.set_type(query.type);
  request.set_query(query.text);
  request.set_offset(static_cast<std::int64_t>(query.offset));
  request.set_limit(static_cast<std::int64_t>(query.limit));
  if (!query.filter.is_empty()) {
    write_struct(query.filter.source(), *request.mutable_filter());
  }
  auto answer = call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncQuery, request);
  TRY_OK(answer.result);
  return believed(native_->peers,
                  answer.peer,
                  take_query(answer.response, query, native_->state.pruned_version));
}

Result<std::size_t> RemoteStore::prune_tombstones(WallTime /*deleted_before*/) {
  return std::size_t{0};
}

Result<OptionsByType> RemoteStore::options() {
  TRY_OK(native_->ensure_known());
  OptionsByType options;
  const auto read = [this, &options] {
    options.clear();
    wire::SyncRequest request;
    request.set_server_version(native_->state.server_version);
    request.set_record_version(native_->state.latest_version);
    request.set_wait(false);
    // They come before the records.
    const auto take = [&options](wire::SyncResponse& message) {
      return take_options(message, options);
    };
    return read_stream<wire::SyncResponse>(native_->peers, {.method = kSync}, request, take);
  };
  Result<void> done = read();
  if (!done && done.error().kind() == ErrorKind::Conflict) {
    TRY_OK(native_->pull());
    done = read();
  }
  TRY_OK(std::move(done));
  return options;
}

Result<void> RemoteStore::set_options(std::string_view type, const TypeOptions& options) {
  wire::SetOptionsRequest request;
  request.set_type(std::string(type));
  write_options(options, *request.mutable_options());
  return call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncSetOptions, request).result;
}

Result<Lease> RemoteStore::acquire_lease(std::string_view name,
                                         std::string_view id,
                                         Duration duration,
                                         WallTime now) {
  const std::pair<std::string, std::string> ours(name, id);
  if (native_->leases.contains(ours)) {
    if (auto renewed = renew_lease(name, id, duration, now)) {
      return renewed;
    }
    native_->leases.erase(ours);
  }
  wire::AcquireLeaseRequest request;
  request.set_name(std::string(name));
  set_duration(duration, *request.mutable_duration());
  auto answer = call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncAcquireLease, request);
  TRY_OK(answer.result);
  TRY(std::string their_id,
      believed(native_->peers, answer.peer, take_lease(answer.response, answer.epoch)));
  native_->leases.insert_or_assign(ours, std::move(their_id));
  return Lease{.name = std::string(name),
               .id = std::string(id),
               .epoch = answer.epoch,
               .expires_at = now + duration};
}

Result<Lease> RemoteStore::renew_lease(std::string_view name,
                                       std::string_view id,
                                       Duration duration,
                                       WallTime now) {
  const auto held = native_->leases.find({std::string(name), std::string(id)});
  if (held == native_->leases.end()) {
    return fail(ErrorKind::Conflict, "the lease is not held");
  }
  wire::RenewLeaseRequest request;
  request.set_name(std::string(name));
  request.set_id(held->second);
  set_duration(duration, *request.mutable_duration());
  const auto answer = call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncRenewLease, request);
  if (!answer.result && answer.result.error().kind() == ErrorKind::Conflict) {
    native_->leases.erase(held);
  }
  TRY_OK(answer.result);
  if (answer.epoch == 0) {
    return fail(native_->peers.distrust(*answer.peer, "a lease without an epoch"));
  }
  return Lease{.name = std::string(name),
               .id = std::string(id),
               .epoch = answer.epoch,
               .expires_at = now + duration};
}

Result<void> RemoteStore::release_lease(std::string_view name, std::string_view id) {
  const auto held = native_->leases.find({std::string(name), std::string(id)});
  if (held == native_->leases.end()) {
    return {};
  }
  wire::ReleaseLeaseRequest request;
  request.set_name(std::string(name));
  request.set_id(held->second);
  TRY_OK(call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncReleaseLease, request).result);
  native_->leases.erase(held);
  return {};
}

Result<void> RemoteStore::clear() {
  TRY_OK(call(native_->peers, RemotePeers::Use::Call, &Stub::AsyncClear, google::protobuf::Empty())
             .result);
  return native_->begin_anew();
}

}  // namespace vallum::databroker
