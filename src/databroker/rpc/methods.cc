#include "databroker/rpc/methods.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/strings.h"
#include "databroker/messages.h"
#include "databroker/payload.h"
#include "databroker/rpc/desk.h"
#include "proto/databroker.pb.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kSessionType = "type.googleapis.com/session.Session";
constexpr auto kUsedTypes =
    std::to_array<std::string_view>({kSessionType, "type.googleapis.com/user.ServiceAccount"});

// Zero for what does not fit, which no operation accepts.
Duration duration_of(const google::protobuf::Duration& from) {
  constexpr std::int64_t kSecondsMax = 366LL * 24 * 3600;
  const bool fits = from.seconds() >= 0 && from.seconds() <= kSecondsMax && from.nanos() >= 0 &&
                    from.nanos() < 1'000'000'000;
  return fits ? std::chrono::seconds(from.seconds()) + Duration(from.nanos()) : Duration::zero();
}

// RFC 9562 5.4.
std::string random_uuid(Entropy& entropy) {
  std::array<std::byte, 16> bytes{};
  entropy.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text = to_hex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) {
    text.insert(at, 1, '-');
  }
  return text;
}

// The lease the caller's writes depend on, if it named one.
Result<std::optional<Fence>> fence_of(const CallFacts& facts) {
  if (!facts.lease && !facts.lease_epoch) {
    return std::optional<Fence>();
  }
  const auto epoch = facts.lease_epoch ? parse_u64(*facts.lease_epoch) : std::nullopt;
  if (!facts.lease || !epoch) {
    return fail(ErrorKind::InvalidInput,
                "vallum-lease and vallum-lease-epoch come together, the latter a number");
  }
  return std::optional(Fence{.lease = *facts.lease, .epoch = *epoch});
}

// Whoever signs out does so where they are: at a proxy.
Result<void> check_reader(const wire::PutRequest& request) {
  const bool is_end = !request.records().empty() &&
                      std::ranges::all_of(request.records(), [](const wire::Record& record) {
                        return record.type() == kSessionType && record.has_deleted_at();
                      });
  return is_end ? Result<void>()
                : fail(ErrorKind::PermissionDenied, "the caller's role may only end sessions");
}

// The versions that the writes expect, one for each, with a comma between them: a number, 0 for a
// record that must not exist, "-" for whatever is there.
Result<void> expect_versions(const CallFacts& facts, Batch& batch) {
  if (!facts.expected_versions) {
    return {};
  }
  const std::vector<std::string_view> versions = split(*facts.expected_versions, ',');
  if (versions.size() != batch.size()) {
    return fail(ErrorKind::InvalidInput, "vallum-expected-versions has one for each record");
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (versions[i] == "-") {
      continue;
    }
    batch[i].expected_version = parse_u64(versions[i]);
    if (!batch[i].expected_version) {
      return fail(ErrorKind::InvalidInput, "vallum-expected-versions: each is a number or '-'");
    }
  }
  return {};
}

Result<void> check_count(int records, const Limits& limits) {
  return static_cast<std::size_t>(records) <= limits.batch_writes_max
             ? Result<void>()
             : fail(ErrorKind::ResourceExhausted,
                    "too many records in one request; at most " +
                        std::to_string(limits.batch_writes_max));
}

Result<void> check_reader(const wire::PatchRequest& request) {
  const bool is_use = request.field_mask().paths_size() == 1 &&
                      request.field_mask().paths(0) == "accessed_at" &&
                      std::ranges::all_of(request.records(), [](const wire::Record& record) {
                        return std::ranges::find(kUsedTypes, record.type()) != kUsedTypes.end();
                      });
  return is_use ? Result<void>()
                : fail(ErrorKind::PermissionDenied,
                       "the caller's role may only note when a session was used");
}

}  // namespace

Async<void> get(Work<wire::GetRequest, wire::GetResponse> work) {
  RecordKey key{.type = work.request->type(), .id = work.request->id()};
  CO_TRY(Record record, co_await work.desk->broker().get(std::move(key), work.deadline));
  write_record(std::move(record), *work.response->mutable_record());
  co_return Result<void>();
}

Async<void> list_types(Work<Empty, wire::ListTypesResponse> work) {
  CO_TRY(auto types, co_await work.desk->broker().types(work.deadline));
  for (std::string& type : types) {
    work.response->add_types(std::move(type));
  }
  co_return Result<void>();
}

Async<void> query(Work<wire::QueryRequest, wire::QueryResponse> work) {
  const wire::QueryRequest& request = *work.request;
  if (request.offset() < 0 || request.limit() < 0) {
    co_return fail(ErrorKind::InvalidInput, "query: offset and limit are not below zero");
  }
  Query query{.type = request.type(),
              .text = request.query(),
              .filter = {},
              .offset = static_cast<std::uint64_t>(request.offset()),
              .limit = static_cast<std::uint64_t>(request.limit())};
  if (request.has_filter()) {
    const auto filter = decode_struct(request.filter().SerializeAsString());
    if (!filter) {
      co_return fail(ErrorKind::InvalidInput, "query: the filter cannot be read");
    }
    CO_TRY(query.filter, Filter::parse(*filter));
  }
  CO_TRY(QueryAnswer answer, co_await work.desk->broker().query(std::move(query), work.deadline));
  for (Record& record : answer.records) {
    write_record(std::move(record), *work.response->add_records());
  }
  work.response->set_total_count(static_cast<std::int64_t>(answer.total_count));
  work.response->set_server_version(answer.state.server_version);
  work.response->set_record_version(answer.state.latest_version);
  co_return Result<void>();
}

Async<void> put(Work<wire::PutRequest, wire::PutResponse> work) {
  Databroker& broker = work.desk->broker();
  if (work.role == Role::Reader) {
    CO_TRY_OK(check_reader(*work.request));
  }
  CO_TRY_OK(check_count(work.request->records_size(), broker.limits()));
  CO_TRY(const auto fence, fence_of(*work.facts));
  if (work.request->records().empty()) {
    CO_TRY(const StoreState state, co_await broker.state(work.deadline));
    work.response->set_server_version(state.server_version);
    co_return Result<void>();
  }
  Batch batch;
  for (const wire::Record& record : work.request->records()) {
    batch.push_back(read_write(record));
    batch.back().fence = fence;
  }
  CO_TRY_OK(expect_versions(*work.facts, batch));
  CO_TRY(const Committed done, co_await broker.put(std::move(batch), work.deadline));
  work.response->set_server_version(done.server_version);
  for (int i = 0; i < work.request->records_size(); ++i) {
    const Write write = read_write(work.request->records(i));
    Record record{.type = write.type,
                  .id = write.id,
                  .value = write.value.value_or(Value()),
                  .version = done.versions[static_cast<std::size_t>(i)],
                  .modified_at = done.modified_at,
                  .deleted_at = std::nullopt};
    if (!write.value) {
      record.deleted_at = done.modified_at;
    }
    write_record(std::move(record), *work.response->add_records());
  }
  co_return Result<void>();
}

Async<void> patch(Work<wire::PatchRequest, wire::PatchResponse> work) {
  const wire::PatchRequest& request = *work.request;
  Databroker& broker = work.desk->broker();
  if (work.role == Role::Reader) {
    CO_TRY_OK(check_reader(request));
  }
  CO_TRY_OK(check_count(request.records_size(), broker.limits()));
  Patch patch;
  CO_TRY(patch.fence, fence_of(*work.facts));
  patch.mask.assign(request.field_mask().paths().begin(), request.field_mask().paths().end());
  for (const wire::Record& record : request.records()) {
    patch.items.push_back(
        {.key = {.type = record.type(), .id = record.id()},
         .value = {.type_url = record.data().type_url(), .bytes = record.data().value()}});
  }
  CO_TRY(Patched patched, co_await broker.patch(std::move(patch), work.deadline));
  work.response->set_server_version(patched.server_version);
  for (Record& record : patched.records) {
    write_record(std::move(record), *work.response->add_records());
  }
  co_return Result<void>();
}

Async<void> server_info(Work<Empty, wire::ServerInfoResponse> work) {
  CO_TRY(const StoreState state, co_await work.desk->broker().state(work.deadline));
  work.response->set_server_version(state.server_version);
  if (state.latest_version > state.pruned_version) {
    work.response->set_earliest_record_version(state.pruned_version + 1);
    work.response->set_latest_record_version(state.latest_version);
  }
  co_return Result<void>();
}

Async<void> get_checkpoint(Work<wire::GetCheckpointRequest, wire::GetCheckpointResponse> work) {
  CO_TRY(const StoreState state, co_await work.desk->broker().state(work.deadline));
  work.response->mutable_checkpoint()->set_server_version(state.server_version);
  work.response->mutable_checkpoint()->set_record_version(state.latest_version);
  work.response->set_is_leader(true);
  co_return Result<void>();
}

Async<void> get_options(Work<wire::GetOptionsRequest, wire::GetOptionsResponse> work) {
  CO_TRY(const OptionsByType options, co_await work.desk->broker().options(work.deadline));
  auto& message = *work.response->mutable_options();
  if (const auto found = options.find(work.request->type()); found != options.end()) {
    write_options(found->second, message);
  }
  co_return Result<void>();
}

Async<void> set_options(Work<wire::SetOptionsRequest, wire::SetOptionsResponse> work) {
  TypeOptions options = read_options(work.request->options());
  write_options(options, *work.response->mutable_options());
  auto change =
      work.desk->broker().set_options(work.request->type(), std::move(options), work.deadline);
  co_return co_await std::move(change);
}

Async<void> acquire_lease(Work<wire::AcquireLeaseRequest, wire::AcquireLeaseResponse> work) {
  std::string id = random_uuid(work.desk->core().entropy());
  const Duration duration = duration_of(work.request->duration());
  CO_TRY(Lease lease,
         co_await work.desk->broker().acquire_lease(
             work.request->name(), std::move(id), duration, work.deadline));
  work.facts->epoch_of_lease = lease.epoch;
  work.response->set_id(std::move(lease.id));
  co_return Result<void>();
}

Async<void> renew_lease(Work<wire::RenewLeaseRequest, Empty> work) {
  const Duration duration = duration_of(work.request->duration());
  CO_TRY(const Lease lease,
         co_await work.desk->broker().renew_lease(
             work.request->name(), work.request->id(), duration, work.deadline));
  work.facts->epoch_of_lease = lease.epoch;
  co_return Result<void>();
}

Async<void> release_lease(Work<wire::ReleaseLeaseRequest, Empty> work) {
  auto release =
      work.desk->broker().release_lease(work.request->name(), work.request->id(), work.deadline);
  co_return co_await std::move(release);
}

Async<void> clear(Work<Empty, wire::ClearResponse> work) {
  CO_TRY(const Cleared cleared, co_await work.desk->broker().clear(work.deadline));
  work.response->set_old_server_version(cleared.old_server_version);
  work.response->set_new_server_version(cleared.new_server_version);
  co_return Result<void>();
}

}  // namespace vallum::databroker
