// Any bytes as each of the answers a databroker sends. What is taken of them is what was asked for,
// and could be kept by any store.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/stubs/logging.h>

#include "base/check.h"
#include "databroker/limits.h"
#include "databroker/rpc/remote_answers.h"
#include "proto/databroker.pb.h"

namespace {

using namespace vallum;  // NOLINT(google-build-using-namespace): a program of one function
using namespace vallum::databroker;  // NOLINT(google-build-using-namespace): see above
namespace wire = ::databroker;

constexpr const char* kType = "type.example/Thing";

template <class Message>
Message read(std::string_view bytes) {
  Message message;
  // What cannot be read is nonsense before it comes here; what was read of it serves as well.
  static_cast<void>(!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return message;
}

void take_whole_answers(std::string_view bytes) {
  auto get = read<wire::GetResponse>(bytes);
  if (const auto record = take_get(get, {.type = kType, .id = "a"})) {
    CHECK(record->key() == (RecordKey{.type = kType, .id = "a"}) && !record->is_deleted());
    CHECK(check_record(*record, Limits()).has_value());
  }
  wire::PutRequest request;
  wire::Record& written = *request.add_records();
  written.set_type(kType);
  written.set_id("a");
  written.mutable_data()->set_type_url(kType);
  written.mutable_data()->set_value("v");
  auto put = read<wire::PutResponse>(bytes);
  if (const auto records = take_put(put, request)) {
    CHECK(records->size() == 1 && records->front().value.bytes == "v");
  }
  Query query;
  query.type = kType;
  query.limit = 10;
  auto found = read<wire::QueryResponse>(bytes);
  if (const auto answer = take_query(found, query, 0)) {
    CHECK(answer->records.size() <= query.limit && answer->total_count >= answer->records.size());
    for (const Record& record : answer->records) {
      CHECK(record.type == kType && !record.is_deleted());
    }
  }
  if (const auto state =
          take_state(read<wire::ServerInfoResponse>(bytes), read<wire::QueryResponse>(bytes))) {
    CHECK(state->server_version != 0 && state->pruned_version <= state->latest_version);
  }
  auto listed = read<wire::ListTypesResponse>(bytes);
  static_cast<void>(take_types(listed));
  auto lease = read<wire::AcquireLeaseResponse>(bytes);
  if (const auto id = take_lease(lease, 1)) {
    CHECK(!id->empty());
  }
}

// The first byte of each message of a stream is its length.
template <class Take>
void each_message(std::string_view bytes, Take take) {
  while (!bytes.empty()) {
    const auto length = static_cast<unsigned char>(bytes.front());
    take(bytes.substr(1, length));
    bytes.remove_prefix(std::min(bytes.size(), std::size_t{length} + 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const google::protobuf::LogSilencer silence;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  take_whole_answers(bytes);

  constexpr std::uint64_t kAfter = 3;
  ChangeReader changes(kAfter);
  RecordReader records(kType, kAfter);
  OptionsByType options;
  std::uint64_t last_change = kAfter;
  std::uint64_t last_record = kAfter;
  each_message(bytes, [&](std::string_view part) {
    auto of_sync = read<wire::SyncResponse>(part);
    if (const auto is_options = take_options(of_sync, options); is_options && *is_options) {
      CHECK(options.size() <= kTypesWithOptionsMax);
    }
    if (const auto change = changes.take(of_sync); change && *change) {
      CHECK((*change)->version > last_change);
      CHECK(check_record(**change, Limits()).has_value());
      last_change = (*change)->version;
    }
    auto of_list = read<wire::SyncLatestResponse>(part);
    if (const auto record = records.take(of_list); record && *record) {
      CHECK((*record)->version > last_record && (*record)->type == kType);
      last_record = (*record)->version;
    }
  });
  return 0;
}
