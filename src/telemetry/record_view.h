#pragma once

#include "telemetry/field_hash.h"
#include "telemetry/record_fields.h"

namespace vallum::telemetry {

// How lines of one kind are to be written. A view of both: they outlive it.
struct RecordView {
  const RecordPlans& plans;
  FieldHash& hash;
  RecordKind kind = RecordKind::Decision;
};

}  // namespace vallum::telemetry
