#include "databroker/messages.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "databroker/type_options.h"
#include "proto/databroker.pb.h"

namespace vallum::databroker {
namespace {

constexpr std::int64_t kTtlSecondsMax = 100LL * 366 * 24 * 3600;

// What our clocks cannot show (years before 1678 and after 2261) is their first or last second.
WallTime read_time(const google::protobuf::Timestamp& from) {
  constexpr std::int64_t kSecondsMost = 9'200'000'000;
  return from_unix_seconds(std::clamp(from.seconds(), -kSecondsMost, kSecondsMost)) +
         Duration(from.nanos());
}

Duration read_ttl(const google::protobuf::Duration& from) {
  const bool fits = from.seconds() >= 0 && from.seconds() <= kTtlSecondsMax && from.nanos() >= 0 &&
                    from.nanos() < 1'000'000'000;
  return fits ? std::chrono::seconds(from.seconds()) + Duration(from.nanos()) : Duration::zero();
}

Value take_value(google::protobuf::Any& from) {
  return {.type_url = std::move(*from.mutable_type_url()),
          .bytes = std::move(*from.mutable_value())};
}

}  // namespace

void write_time(WallTime time, google::protobuf::Timestamp& to) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  to.set_seconds(seconds.time_since_epoch().count());
  to.set_nanos(static_cast<std::int32_t>((time - seconds).count()));
}

void write_record(Record record, ::databroker::Record& message) {
  message.set_version(record.version);
  message.set_type(std::move(record.type));
  message.set_id(std::move(record.id));
  write_time(record.modified_at, *message.mutable_modified_at());
  if (record.deleted_at) {
    write_time(*record.deleted_at, *message.mutable_deleted_at());
  } else {
    message.mutable_data()->set_type_url(std::move(record.value.type_url));
    message.mutable_data()->set_value(std::move(record.value.bytes));
  }
}

Record read_record(::databroker::Record message) {
  Record record;
  record.version = message.version();
  record.type = std::move(*message.mutable_type());
  record.id = std::move(*message.mutable_id());
  record.value = take_value(*message.mutable_data());
  record.modified_at = read_time(message.modified_at());
  if (message.has_deleted_at()) {
    record.deleted_at = read_time(message.deleted_at());
  }
  return record;
}

Write read_write(::databroker::Record message) {
  RecordKey key{.type = std::move(*message.mutable_type()), .id = std::move(*message.mutable_id())};
  if (message.has_deleted_at()) {
    return Write::remove(std::move(key));
  }
  return Write::put(std::move(key), take_value(*message.mutable_data()));
}

void write_options(const TypeOptions& options, ::databroker::Options& message) {
  if (options.capacity) {
    message.set_capacity(*options.capacity);
  }
  for (const std::string& field : options.indexable_fields) {
    message.add_indexable_fields(field);
  }
  if (options.ttl) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*options.ttl);
    message.mutable_ttl()->set_seconds(seconds.count());
    message.mutable_ttl()->set_nanos(static_cast<std::int32_t>((*options.ttl - seconds).count()));
  }
}

TypeOptions read_options(const ::databroker::Options& message) {
  TypeOptions options;
  if (message.has_capacity()) {
    options.capacity = message.capacity();
  }
  options.indexable_fields.assign(message.indexable_fields().begin(),
                                  message.indexable_fields().end());
  if (message.has_ttl()) {
    options.ttl = read_ttl(message.ttl());
  }
  return options;
}

}  // namespace vallum::databroker
