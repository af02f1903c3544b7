#pragma once

#include <cstddef>

// What bounds the memory that records take. Reaching one never stops a core.
namespace vallum::telemetry {

// Texts that a client chose are cut in records, so that one request cannot fill the sink. The path
// is longer than any request line that is accepted: an audit shows all of it.
inline constexpr std::size_t kRecordTargetBytesMax = 16 * 1024;
inline constexpr std::size_t kRecordFieldBytesMax = 1024;
// Of the field "headers", beyond which headers are left out.
inline constexpr std::size_t kRecordHeadersMax = 100;
inline constexpr std::size_t kRecordHeadersBytesMax = 16 * 1024;

}  // namespace vallum::telemetry
