#pragma once

#include <cstdint>
#include <string>

#include "telemetry/access_record.h"
#include "telemetry/connection_failure.h"
#include "telemetry/decision_record.h"
#include "telemetry/line_writer.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

// One core's records of requests, on their way to standard output:
//
//   if (!records.try_write(decision)) { answer 503; }   // before the first byte goes upstream
//   ...
//   records.write(access);                              // when the last byte has gone downstream
//
// A quarter of the lane is kept for decisions, so that lines which may be lost never push out lines
// which may not. Allocates nothing when warm.
class RecordLog {
 public:
  // The lane outlives this. Hashes are made under a key of the shared secret.
  RecordLog(LineLane& lane, const Secret& shared_secret) : lane_(lane), hash_(shared_secret) {}
  RecordLog(const RecordLog&) = delete;
  RecordLog& operator=(const RecordLog&) = delete;

  // False when the lane is full: the request must not go on.
  bool try_write(const DecisionRecord& record, const RecordPlans& plans);
  // Lost, and counted, when the lane is nearly full.
  void write(const AccessRecord& record, const RecordPlans& plans);
  // The same.
  void write(const ConnectionFailure& failure);

  // For what callers render themselves.
  RecordView view(RecordKind kind, const RecordPlans& plans) {
    return {.plans = plans, .hash = hash_, .kind = kind};
  }

  std::uint64_t decisions_refused() const { return decisions_refused_; }
  // Of both kinds that may be lost.
  std::uint64_t accesses_dropped() const { return accesses_dropped_; }

 private:
  // Appends line_ unless that would take the room of decisions.
  void append_if_room();

  LineLane& lane_;
  FieldHash hash_;
  TimestampWriter timestamp_;
  std::string line_;
  std::uint64_t decisions_refused_ = 0;
  std::uint64_t accesses_dropped_ = 0;
};

}  // namespace vallum::telemetry
