#include "databroker/rpc/remote_answers.h"

#include <algorithm>
#include <utility>

#include "databroker/limits.h"
#include "databroker/messages.h"
#include "proto/databroker.pb.h"

namespace vallum::databroker {

namespace wire = ::databroker;

namespace {

// Messages of a stream that are no records: the options of each type, and the versions.
constexpr std::size_t kOthersMax = kTypesWithOptionsMax + 1;

Unexpected nonsense(const char* why) {
  return fail(ErrorKind::InvalidInput, why);
}

// A tombstone may come with a value, which is nobody's business.
Result<Record> take_record(wire::Record& message) {
  Record record = read_record(std::move(message));
  if (record.is_deleted()) {
    record.value = {};
  }
  TRY_OK(check_record(record, Limits()));
  return record;
}

bool is_what_was_written(const wire::Record& answer, const wire::Record& written) {
  return answer.type() == written.type() && answer.id() == written.id() &&
         answer.has_deleted_at() == written.has_deleted_at() &&
         (written.has_deleted_at() || (answer.data().type_url() == written.data().type_url() &&
                                       answer.data().value() == written.data().value()));
}

}  // namespace

Result<Record> take_get(wire::GetResponse& answer, const RecordKey& key) {
  TRY(Record record, take_record(*answer.mutable_record()));
  if (record.type != key.type || record.id != key.id) {
    return nonsense("a record that was not asked for");
  }
  if (record.is_deleted()) {
    return nonsense("a deleted record");
  }
  return record;
}

Result<std::vector<Record>> take_put(wire::PutResponse& answer, const wire::PutRequest& request) {
  if (answer.records_size() != request.records_size()) {
    return nonsense("not one record for each write");
  }
  std::vector<Record> records;
  std::uint64_t version = 0;
  for (int i = 0; i < answer.records_size(); ++i) {
    if (!is_what_was_written(answer.records(i), request.records(i))) {
      return nonsense("a record that was not written");
    }
    TRY(Record record, take_record(*answer.mutable_records(i)));
    if (record.version <= version) {
      return nonsense("versions that do not ascend");
    }
    version = record.version;
    records.push_back(std::move(record));
  }
  return records;
}

Result<QueryAnswer> take_query(wire::QueryResponse& answer,
                               const Query& query,
                               std::uint64_t pruned_version) {
  const auto count = static_cast<std::uint64_t>(answer.records_size());
  if (answer.server_version() == 0 || answer.total_count() < 0 || count > query.limit ||
      count > static_cast<std::uint64_t>(answer.total_count())) {
    return nonsense("a query's answer whose numbers do not fit together");
  }
  QueryAnswer taken;
  taken.total_count = static_cast<std::uint64_t>(answer.total_count());
  taken.state = {.server_version = answer.server_version(),
                 .latest_version = answer.record_version(),
                 .pruned_version = pruned_version};
  for (wire::Record& message : *answer.mutable_records()) {
    TRY(Record record, take_record(message));
    if (record.type != query.type || record.is_deleted()) {
      return nonsense("a record that was not asked for");
    }
    taken.records.push_back(std::move(record));
  }
  return taken;
}

Result<StoreState> take_state(const wire::ServerInfoResponse& versions,
                              const wire::QueryResponse& answer) {
  if (answer.server_version() == 0 || versions.server_version() != answer.server_version()) {
    return nonsense("two data sets at once, or none");
  }
  StoreState state{.server_version = answer.server_version(),
                   .latest_version = answer.record_version(),
                   .pruned_version = answer.record_version()};
  if (state.latest_version > kVersionMax) {
    return nonsense("a version that cannot be one");
  }
  if (versions.earliest_record_version() > 0) {
    state.pruned_version = versions.earliest_record_version() - 1;
  }
  if (state.pruned_version > state.latest_version) {
    return nonsense("changes that are forgotten and have not happened");
  }
  return state;
}

Result<std::vector<std::string>> take_types(wire::ListTypesResponse& answer) {
  std::vector<std::string> types(std::move_iterator(answer.mutable_types()->begin()),
                                 std::move_iterator(answer.mutable_types()->end()));
  if (std::ranges::adjacent_find(types, std::greater_equal()) != types.end()) {
    return nonsense("types that are not in order");
  }
  for (const std::string& type : types) {
    TRY_OK(check_key({.type = type, .id = "any"}, Limits()));
  }
  return types;
}

Result<std::string> take_lease(wire::AcquireLeaseResponse& answer, std::uint64_t epoch) {
  if (answer.id().empty() || answer.id().size() > Limits().id_bytes_max || epoch == 0) {
    return nonsense("a lease without an id or an epoch");
  }
  return std::move(*answer.mutable_id());
}

Result<bool> take_options(const wire::SyncResponse& message, OptionsByType& options) {
  if (!message.has_options()) {
    return message.has_record() ? Result<bool>(false) : nonsense("a message that says nothing");
  }
  const std::string& type = message.options().typeurl();
  TypeOptions of_type = read_options(message.options().options());
  TRY_OK(check_options(type, of_type, Limits()));
  options.insert_or_assign(type, std::move(of_type));
  return options.size() <= kTypesWithOptionsMax
             ? Result<bool>(true)
             : nonsense("options of more types than there may be");
}

Result<std::optional<Record>> ChangeReader::take(wire::SyncResponse& message) {
  if (message.has_options() && ++others_ <= kOthersMax) {
    return std::optional<Record>();
  }
  if (!message.has_record()) {
    return nonsense("messages that say nothing");
  }
  TRY(Record record, take_record(*message.mutable_record()));
  if (record.version <= version_) {
    return nonsense("changes that do not come in order");
  }
  version_ = record.version;
  return std::optional(std::move(record));
}

Result<std::optional<Record>> RecordReader::take(wire::SyncLatestResponse& message) {
  is_whole_ = is_whole_ || message.has_versions();
  if ((message.has_versions() || message.has_options()) && ++others_ <= kOthersMax) {
    return std::optional<Record>();
  }
  if (!message.has_record()) {
    return nonsense("messages that say nothing");
  }
  TRY(Record record, take_record(*message.mutable_record()));
  if (record.type != type_ || record.is_deleted()) {
    return nonsense("a record that was not asked for");
  }
  if (record.version <= version_) {
    return nonsense("records that do not come in order");
  }
  version_ = record.version;
  return std::optional(std::move(record));
}

}  // namespace vallum::databroker
