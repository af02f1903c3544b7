#pragma once

#include <string>

#include "http/syntax/fields.h"
#include "telemetry/record_view.h"

namespace vallum::proxy {

// Appends the headers of a request that a line shows, as one JSON object: names in canonical form
// (X-Foo-Bar) in decisions and in lower case in accesses, the lines of one name joined by commas.
// Credentials are "(redacted)" unless the plan says otherwise. At most kRecordHeadersMax headers
// and about kRecordHeadersBytesMax bytes.
void append_record_headers(std::string& text,
                           const http::Fields& fields,
                           const telemetry::RecordView& view);

}  // namespace vallum::proxy
