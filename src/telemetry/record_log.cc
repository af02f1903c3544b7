#include "telemetry/record_log.h"

namespace vallum::telemetry {

bool RecordLog::try_write(const DecisionRecord& record, const RecordPlans& plans) {
  line_.clear();
  append_decision(line_, timestamp_, record, view(RecordKind::Decision, plans));
  if (lane_.try_append(line_)) {
    return true;
  }
  ++decisions_refused_;
  return false;
}

void RecordLog::write(const AccessRecord& record, const RecordPlans& plans) {
  line_.clear();
  append_access(line_, timestamp_, record, view(RecordKind::Access, plans));
  append_if_room();
}

void RecordLog::write(const ConnectionFailure& failure) {
  line_.clear();
  append_connection_failure(line_, timestamp_, failure);
  append_if_room();
}

void RecordLog::append_if_room() {
  const std::size_t kept = lane_.capacity() / 4;
  if (lane_.room() < line_.size() + kept || !lane_.try_append(line_)) {
    ++accesses_dropped_;
  }
}

}  // namespace vallum::telemetry
