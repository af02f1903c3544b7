#include "databroker/record.h"

#include <algorithm>
#include <tuple>

#include "base/strings.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kProtobufPrefix = "type.googleapis.com/";

bool is_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && !text.contains('\0') && is_utf8(text);
}

Result<void> check_names(std::string_view type, std::string_view id, const Limits& limits) {
  if (!is_name(type, limits.type_bytes_max)) {
    return fail(ErrorKind::InvalidInput, "record: type is empty, too long, or not plain UTF-8");
  }
  if (!is_name(id, limits.id_bytes_max)) {
    return fail(ErrorKind::InvalidInput, "record: id is empty, too long, or not plain UTF-8");
  }
  return {};
}

Result<void> check_value(std::string_view type, const Value& value, const Limits& limits) {
  if (!is_name(value.type_url, limits.type_bytes_max)) {
    return fail(ErrorKind::InvalidInput, "record: value has no valid type URL");
  }
  if (type.starts_with(kProtobufPrefix) && type != value.type_url) {
    return fail(ErrorKind::InvalidInput, "record: value is not of the record's type");
  }
  if (value.bytes.size() > limits.value_bytes_max) {
    return fail(ErrorKind::InvalidInput, "record: value is too big");
  }
  return {};
}

Result<void> check_unique(const Batch& batch) {
  std::vector<std::pair<std::string_view, std::string_view>> keys;
  keys.reserve(batch.size());
  for (const Write& write : batch) {
    keys.emplace_back(write.type, write.id);
  }
  std::ranges::sort(keys);
  if (std::ranges::adjacent_find(keys) != keys.end()) {
    return fail(ErrorKind::InvalidInput, "record: one key twice in a batch");
  }
  return {};
}

}  // namespace

Result<void> check_key(const RecordKey& key, const Limits& limits) {
  return check_names(key.type, key.id, limits);
}

Result<void> check_record(const Record& record, const Limits& limits) {
  TRY_OK(check_names(record.type, record.id, limits));
  if (record.version == 0 || record.version > kVersionMax) {
    return fail(ErrorKind::InvalidInput, "record: its version cannot be one");
  }
  if (!record.is_deleted()) {
    return check_value(record.type, record.value, limits);
  }
  return record.value == Value()
             ? Result<void>()
             : fail(ErrorKind::InvalidInput, "record: a deleted one has a value");
}

std::size_t bytes_of(const Batch& batch) {
  std::size_t bytes = 0;
  for (const Write& write : batch) {
    bytes += write.type.size() + write.id.size() + (write.value ? write.value->bytes.size() : 0);
  }
  return bytes;
}

Result<void> check_batch(const Batch& batch, const Limits& limits) {
  if (batch.empty() || batch.size() > limits.batch_writes_max) {
    return fail(ErrorKind::InvalidInput, "record: a batch is empty or has too many writes");
  }
  for (const Write& write : batch) {
    TRY_OK(check_names(write.type, write.id, limits));
    if (write.value) {
      TRY_OK(check_value(write.type, *write.value, limits));
    }
  }
  if (bytes_of(batch) > limits.batch_bytes_max) {
    return fail(ErrorKind::InvalidInput, "record: a batch is too big");
  }
  return check_unique(batch);
}

}  // namespace vallum::databroker
