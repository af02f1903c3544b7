#include "databroker/encoding.h"

#include <limits>
#include <utility>

#include "databroker/messages.h"
#include "proto/databroker.pb.h"

namespace vallum::databroker {

std::string encode_record(const Record& record) {
  ::databroker::Record message;
  write_record(record, message);
  return message.SerializeAsString();
}

Result<Record> decode_record(ByteView bytes) {
  ::databroker::Record message;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorKind::InvalidInput, "record: not an encoded record");
  }
  return read_record(std::move(message));
}

}  // namespace vallum::databroker
