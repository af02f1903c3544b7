#include "databroker/encoding.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include "proto/databroker.pb.h"

namespace vallum::databroker {
namespace {

void set_time(WallTime time, google::protobuf::Timestamp& to) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  to.set_seconds(seconds.time_since_epoch().count());
  to.set_nanos(static_cast<std::int32_t>((time - seconds).count()));
}

WallTime time_of(const google::protobuf::Timestamp& from) {
  return from_unix_seconds(from.seconds()) + Duration(from.nanos());
}

}  // namespace

std::string encode_record(const Record& record) {
  ::databroker::Record message;
  message.set_version(record.version);
  message.set_type(record.type);
  message.set_id(record.id);
  if (!record.is_deleted()) {
    message.mutable_data()->set_type_url(record.value.type_url);
    message.mutable_data()->set_value(record.value.bytes);
  }
  set_time(record.modified_at, *message.mutable_modified_at());
  if (record.deleted_at) {
    set_time(*record.deleted_at, *message.mutable_deleted_at());
  }
  return message.SerializeAsString();
}

Result<Record> decode_record(ByteView bytes) {
  ::databroker::Record message;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorKind::InvalidInput, "record: not an encoded record");
  }
  Record record;
  record.version = message.version();
  record.type = std::move(*message.mutable_type());
  record.id = std::move(*message.mutable_id());
  record.value.type_url = std::move(*message.mutable_data()->mutable_type_url());
  record.value.bytes = std::move(*message.mutable_data()->mutable_value());
  record.modified_at = time_of(message.modified_at());
  if (message.has_deleted_at()) {
    record.deleted_at = time_of(message.deleted_at());
  }
  return record;
}

}  // namespace vallum::databroker
