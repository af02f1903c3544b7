#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "databroker/record.h"

namespace vallum::databroker {

// A record as a serialized databroker.Record: what gets sealed, so that a stored row says what it
// is without trusting any of its columns.
std::string encode_record(const Record& record);
Result<Record> decode_record(ByteView bytes);

}  // namespace vallum::databroker
