#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "databroker/query.h"
#include "databroker/record.h"
#include "databroker/store/store.h"
#include "databroker/type_options.h"

namespace databroker {
class AcquireLeaseResponse;
class GetResponse;
class ListTypesResponse;
class PutRequest;
class PutResponse;
class QueryResponse;
class ServerInfoResponse;
class SyncLatestResponse;
class SyncResponse;
}  // namespace databroker

// What a databroker's answers must be to be believed. Each function takes what is in a message;
// InvalidInput says why it makes no sense, and then nothing of it may be used. No I/O.
namespace vallum::databroker {

// The record of that key, which is there.
Result<Record> take_get(::databroker::GetResponse& answer, const RecordKey& key);

// What the writes of the request became, in their order.
Result<std::vector<Record>> take_put(::databroker::PutResponse& answer,
                                     const ::databroker::PutRequest& request);

// `pruned_version` is what is known of it.
Result<QueryAnswer> take_query(::databroker::QueryResponse& answer,
                               const Query& query,
                               std::uint64_t pruned_version);

// Where the data set stands, by two answers that must be about the same one.
Result<StoreState> take_state(const ::databroker::ServerInfoResponse& versions,
                              const ::databroker::QueryResponse& answer);

Result<std::vector<std::string>> take_types(::databroker::ListTypesResponse& answer);

// The databroker's id of a lease. `epoch` is the trailing metadata's, 0 without it.
Result<std::string> take_lease(::databroker::AcquireLeaseResponse& answer, std::uint64_t epoch);

// Adds the options of one more type. False for a change: options come before those.
Result<bool> take_options(const ::databroker::SyncResponse& message, OptionsByType& options);

// Reads a stream of changes: each comes after the one before it.
class ChangeReader {
 public:
  explicit ChangeReader(std::uint64_t after_version) : version_(after_version) {}

  // Nothing for a message that is no change.
  Result<std::optional<Record>> take(::databroker::SyncResponse& message);

 private:
  std::uint64_t version_;
  std::size_t others_ = 0;
};

// Reads a stream of the records of one type, by version.
class RecordReader {
 public:
  RecordReader(std::string_view type, std::uint64_t after_version)
      : type_(type), version_(after_version) {}

  // Nothing for a message that is no record.
  Result<std::optional<Record>> take(::databroker::SyncLatestResponse& message);
  // Whether the databroker said that the last record was sent. A stream that ends without it was
  // cut short.
  bool is_whole() const { return is_whole_; }

 private:
  std::string type_;
  std::uint64_t version_;
  bool is_whole_ = false;
  std::size_t others_ = 0;
};

}  // namespace vallum::databroker
