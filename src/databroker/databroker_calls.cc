#include <algorithm>
#include <utility>

#include "async/on_core.h"
#include "async/run_on.h"
#include "base/check.h"
#include "base/strings.h"
#include "databroker/databroker_native.h"
#include "databroker/payload.h"

// What cores ask of the databroker.
namespace vallum::databroker {
namespace {

// How often patch() reads again what another writer changed under it.
constexpr int kPatchAttempts = 8;

}  // namespace

Subscription::Subscription(Databroker& broker, async::Core& core, Callback callback)
    : broker_(broker), core_(core), callback_(std::move(callback)) {
  Port& port = broker_.native_->port_of(core);
  id_ = ++port.last_number;
  port.subscriptions.emplace(id_, this);
  auto* native = broker_.native_.get();
  native->home.post(
      [native, &core, id = SubscriberId{core.index(), id_}] { native->add_subscriber(id, core); });
}

Subscription::~Subscription() {
  broker_.native_->port_of(core_).subscriptions.erase(id_);
  auto* native = broker_.native_.get();
  native->home.post(
      [native, id = SubscriberId{core_.index(), id_}] { native->subscribers.erase(id); });
}

Databroker::Databroker(Parts parts) : native_(std::make_unique<Native>(std::move(parts))) {}
Databroker::~Databroker() = default;

const Limits& Databroker::limits() const {
  return native_->limits;
}

Async<Committed> Databroker::put(Batch batch, Deadline deadline) {
  CO_TRY_OK(check_batch(batch, native_->limits));
  async::Core* core = async::Core::current();
  CHECK(core != nullptr);
  async::OneShot<Result<Committed>> answer(*core);
  const Ticket ticket(native_->port_of(*core), answer);
  const std::size_t bytes = bytes_of(batch);
  native_->home.post([native = native_.get(),
                      write = PendingWrite{.batch = std::move(batch),
                                           .bytes = bytes,
                                           .caller = core,
                                           .ticket = ticket.number(),
                                           .deadline = deadline}]() mutable {
    native->enqueue(std::move(write));
  });
  CO_TRY(auto result, co_await answer.take(deadline));
  co_return result;
}

Async<Record> Databroker::get(RecordKey key, Deadline deadline) {
  CO_TRY_OK(check_key(key, native_->limits));
  if (native_->grouped_reads != nullptr) {
    std::vector<RecordKey> keys;
    keys.push_back(std::move(key));
    CO_TRY(Fetched fetched, co_await get_many(std::move(keys), deadline));
    if (!fetched.records.front()) {
      co_return fail(ErrorKind::NotFound, "record not found");
    }
    co_return *std::move(fetched.records.front());
  }
  auto read = [key = std::move(key)](Store& store) { return store.get(key); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<Fetched> Databroker::get_many(std::vector<RecordKey> keys, Deadline deadline) {
  if (keys.size() > native_->limits.read_records_max) {
    co_return fail(ErrorKind::InvalidInput, "databroker: too many records in one read");
  }
  for (const RecordKey& key : keys) {
    CO_TRY_OK(check_key(key, native_->limits));
  }
  if (native_->grouped_reads != nullptr) {
    auto fetched =
        co_await GroupedReads::get_many(native_->grouped_reads.get(), std::move(keys), deadline);
    if (!fetched) {
      native_->note_failure(fetched.error());
    }
    co_return fetched;
  }
  auto read = [keys = std::move(keys)](Store& store) { return fetch(store, keys); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<FetchedPage> Databroker::list(std::string type, Page page, Deadline deadline) {
  page.records_max = std::min(page.records_max, native_->limits.read_records_max);
  auto read = [type = std::move(type), page](Store& store) {
    return with_state(store, store.list(type, page));
  };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<FetchedPage> Databroker::changes(Page page, Deadline deadline) {
  page.records_max = std::min(page.records_max, native_->limits.read_records_max);
  auto read = [page](Store& store) { return with_state(store, store.changes(page)); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<StoreState> Databroker::state(Deadline deadline) {
  auto read = [](Store& store) { return Result<StoreState>(store.state()); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<StoreState> Databroker::look(Deadline deadline) {
  auto look = [native = native_.get(), deadline] { return Native::look(native, deadline); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(look));
}

bool Databroker::is_stale() const {
  if (!native_->max_staleness) {
    return false;
  }
  const async::Core* const core = async::Core::current();
  CHECK(core != nullptr);
  const std::optional<Instant> fresh_at = native_->port_of(*core).fresh_at;
  return !fresh_at || core->now() - *fresh_at >= *native_->max_staleness;
}

Async<Patched> Databroker::patch(Patch patch, Deadline deadline) {
  std::vector<RecordKey> keys;
  keys.reserve(patch.items.size());
  for (const Patch::Item& item : patch.items) {
    keys.push_back(item.key);
  }
  for (int attempt = 1;; ++attempt) {
    CO_TRY(Fetched fetched, co_await get_many(keys, deadline));
    Patched patched{.server_version = fetched.state.server_version, .records = {}};
    Batch batch;
    for (std::size_t i = 0; i < patch.items.size(); ++i) {
      if (!fetched.records[i]) {
        continue;
      }
      Record& record = *fetched.records[i];
      CO_TRY(record.value, merge_masked(patch.items[i].value, record.value, patch.mask));
      batch.push_back(Write::put(record.key(), record.value).if_version(record.version));
      batch.back().fence = patch.fence;
      patched.records.push_back(std::move(record));
    }
    if (batch.empty()) {
      co_return patched;
    }
    auto committed = co_await put(std::move(batch), deadline);
    if (committed) {
      patched.server_version = committed->server_version;
      for (std::size_t i = 0; i < patched.records.size(); ++i) {
        patched.records[i].version = committed->versions[i];
        patched.records[i].modified_at = committed->modified_at;
      }
      co_return patched;
    }
    if (committed.error().kind() != ErrorKind::Conflict || attempt == kPatchAttempts) {
      co_return fail(std::move(committed).error());
    }
  }
}

Async<QueryAnswer> Databroker::query(Query query, Deadline deadline) {
  CO_TRY_OK(check_key({.type = query.type, .id = "any"}, native_->limits));
  auto read = [native = native_.get(), query = std::move(query)](Store& store) {
    if (Keeper* const keeper = store.keeper(); keeper != nullptr) {
      return keeper->query(query);
    }
    return run_query(store, native->housekeeping.options(), query, native->limits);
  };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<std::vector<std::string>> Databroker::types(Deadline deadline) {
  co_return co_await Native::read(
      native_.get(), [](Store& store) { return store.types(); }, deadline);
}

Async<KeyFacts> Databroker::key_facts(Deadline deadline) {
  auto list = [](Store& store) -> Result<KeyFacts> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->facts();
  };
  co_return co_await Native::read(native_.get(), list, deadline);
}

Async<bool> Databroker::begin_key_rotation(Deadline deadline) {
  auto begin = [now = native_->home.clock().wall()](Store& store) -> Result<bool> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->begin_rotation(now);
  };
  co_return co_await Native::read(native_.get(), begin, deadline);
}

Async<KeysAtRest::Step> Databroker::reseal_some(Deadline deadline) {
  auto reseal = [](Store& store) -> Result<KeysAtRest::Step> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->reseal();
  };
  co_return co_await Native::read(native_.get(), reseal, deadline);
}

Async<bool> Databroker::rewrap_keys(Deadline deadline) {
  auto rewrap = [](Store& store) -> Result<bool> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->rewrap();
  };
  co_return co_await Native::read(native_.get(), rewrap, deadline);
}

Async<OptionsByType> Databroker::options(Deadline deadline) {
  co_return co_await Native::read(
      native_.get(), [](Store& store) { return store.options(); }, deadline);
}

Async<void> Databroker::set_options(std::string type, TypeOptions options, Deadline deadline) {
  CO_TRY_OK(check_options(type, options, native_->limits));
  auto change = [native = native_.get(), type = std::move(type), options = std::move(options)](
                    Store& store) -> Result<StoreState> {
    TRY_OK(store.set_options(type, options));
    if (store.keeper() == nullptr) {
      TRY_OK(native->housekeeping.reload());
    }
    return store.state();
  };
  CO_TRY_OK(co_await Native::read(native_.get(), std::move(change), deadline));
  if (native_->store->keeper() != nullptr) {
    co_return Result<void>();
  }
  auto sweep = [native = native_.get()] { return Native::sweep(native); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(sweep));
}

Async<Lease> Databroker::acquire_lease(std::string name,
                                       std::string id,
                                       Duration duration,
                                       Deadline deadline) {
  CO_TRY_OK(check_lease(name, duration, native_->limits));
  auto acquire =
      [name = std::move(name), id = std::move(id), duration, clock = &native_->home.clock()](
          Store& store) { return store.acquire_lease(name, id, duration, clock->wall()); };
  co_return co_await Native::read(native_.get(), std::move(acquire), deadline);
}

Async<Lease> Databroker::renew_lease(std::string name,
                                     std::string id,
                                     Duration duration,
                                     Deadline deadline) {
  CO_TRY_OK(check_lease(name, duration, native_->limits));
  auto renew =
      [name = std::move(name), id = std::move(id), duration, clock = &native_->home.clock()](
          Store& store) { return store.renew_lease(name, id, duration, clock->wall()); };
  co_return co_await Native::read(native_.get(), std::move(renew), deadline);
}

Async<void> Databroker::release_lease(std::string name, std::string id, Deadline deadline) {
  auto release = [name = std::move(name), id = std::move(id)](Store& store) -> Result<StoreState> {
    TRY_OK(store.release_lease(name, id));
    return store.state();
  };
  CO_TRY_OK(co_await Native::read(native_.get(), std::move(release), deadline));
  co_return Result<void>();
}

Async<Cleared> Databroker::clear(Deadline deadline) {
  if (deadline.has_passed(native_->home.clock())) {
    co_return fail(ErrorKind::DeadlineExceeded, "databroker: too late to clear");
  }
  auto clear = [native = native_.get()] { return Native::clear(native); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(clear));
}

Async<std::optional<Error>> Databroker::storage_failure() {
  auto look = [native = native_.get()] {
    return native->damage    ? native->damage
           : native->failure ? native->failure
                             : native->refresh_failure;
  };
  co_return co_await async::on(native_->home, std::move(look));
}

std::unique_ptr<Subscription> Databroker::subscribe(async::Core& core,
                                                    Subscription::Callback callback) {
  DCHECK(core.on_home_core());
  return std::unique_ptr<Subscription>(new Subscription(*this, core, std::move(callback)));
}

}  // namespace vallum::databroker
