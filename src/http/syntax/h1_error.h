#pragma once

#include <cstdint>
#include <string_view>

namespace vallum::http {

// Why a message of HTTP/1.1 is refused. The connection is closed after every one of them.
enum class H1Error : std::uint8_t {
  RequestLineMalformed,
  RequestLineTooLong,
  MethodUnknown,
  TargetMalformed,
  VersionTooOld,       // HTTP/1.0
  VersionUnsupported,  // a version, but not one of ours
  StatusLineMalformed,
  LineEndMalformed,  // LF without CR
  HeadTooLarge,
  TooManyFields,
  FieldMalformed,
  FieldFolded,
  FieldValueMalformed,
  FieldNameUnderscore,
  HostMissing,
  HostRepeated,
  HostMalformed,
  HostContradicted,  // the target names another one
  ContentLengthMalformed,
  ContentLengthRepeated,
  TransferEncodingUnsupported,
  LengthAndTransferEncoding,
  ContentNotAllowed,  // CONNECT and TRACE have none
  ConnectionMalformed,
  ExpectationUnknown,
  ChunkMalformed,
  ChunkTooLarge,
  TrailerMalformed,
  TrailerTooLarge,
  BodyIncomplete,  // the peer closed in the middle
};

inline constexpr int kH1ErrorCount = static_cast<int>(H1Error::BodyIncomplete) + 1;

struct H1Refusal {
  std::uint16_t status = 0;  // towards a client; every fault of an upstream is 502
  std::string_view name;     // for the access log
  std::string_view text;     // for people
};

const H1Refusal& describe(H1Error error);

}  // namespace vallum::http
