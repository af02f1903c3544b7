#pragma once

#include "base/time.h"
#include "databroker/record.h"

namespace google::protobuf {
class Timestamp;
}  // namespace google::protobuf

namespace databroker {
class Options;
class Record;
}  // namespace databroker

namespace vallum::databroker {

struct TypeOptions;

void write_time(WallTime time, google::protobuf::Timestamp& to);

// Our values as messages of the wire and of what is stored, and back.
void write_record(Record record, ::databroker::Record& message);
Record read_record(::databroker::Record message);

// What Put asks for with a record: a deletion when deleted_at is set.
Write read_write(::databroker::Record message);

// A ttl that does not fit, or is not above zero, comes back as zero, which check_options() refuses.
void write_options(const TypeOptions& options, ::databroker::Options& message);
TypeOptions read_options(const ::databroker::Options& message);

}  // namespace vallum::databroker
