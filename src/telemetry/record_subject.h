#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "telemetry/record_view.h"

namespace vallum::telemetry {

// One half of a decision: whether it held, and every reason for its value, sorted by code point.
struct Verdict {
  bool value = false;
  std::span<const std::string_view> reasons;
};

// Who asked, as far as it is known. An empty text is unknown.
struct RecordIdentity {
  std::string_view session_id;
  std::string_view service_account_id;  // instead of a session id
  std::string_view user;
  std::string_view email;
};

// Which route was asked for.
struct RecordRoute {
  std::string_view id;          // the explicit id of a stored route; "" for one of the file
  std::string_view matched_id;  // the id every route has
  std::uint64_t checksum = 0;
};

// The client certificate of a connection; empty texts without one.
struct RecordCertificate {
  std::string_view fingerprint;  // SHA-256 of the DER text, in hexadecimal
  std::string_view issuer;
  std::string_view subject;
  // Why the authorities of the route refuse it; "" when they do not.
  std::string_view fault;
};

// The decision a request got; own endpoints and requests refused before it have none.
struct RecordDecision {
  Verdict allow;
  Verdict deny;
};

// The versions of what a decision was made from; 0 where there is no such record.
struct RecordVersions {
  std::uint64_t server = 0;
  std::uint64_t session = 0;
  std::uint64_t user = 0;
  std::uint64_t directory_user = 0;
  std::uint64_t directory_groups = 0;
  std::uint64_t devices = 0;
  std::uint64_t policy_records = 0;
};

// Who asked for what, and what was decided: what both lines of a request say alike.
struct RecordSubject {
  RecordIdentity identity = {};
  // Groups of the directory that the application is not told.
  std::size_t removed_groups = 0;
  std::optional<RecordRoute> route = {};
  std::string_view route_name = {};
  std::optional<RecordVersions> versions = {};
  std::optional<RecordDecision> decision = {};
  RecordCertificate certificate = {};
};

// Appends the subject as a JSON object, to be the `subject` of both lines: it is rendered once
// where both show the same of it. Never allocates once `text` is large enough.
void append_subject(std::string& text, const RecordSubject& subject, const RecordView& view);

}  // namespace vallum::telemetry
