#include "http/syntax/h1_error.h"

#include <array>
#include <cstddef>

namespace vallum::http {
namespace {

// In the order of the enumeration; the test walks both.
constexpr std::array<H1Refusal, kH1ErrorCount> kRefusals{{
    {400, "request_line_malformed", "the request line is malformed"},
    {414, "request_line_too_long", "the request line is too long"},
    {400, "method_unknown", "the method is unknown"},
    {400, "target_malformed", "the request target is malformed"},
    {426, "version_too_old", "HTTP/1.1 is required"},
    {505, "version_unsupported", "the HTTP version is not supported"},
    {400, "status_line_malformed", "the status line is malformed"},
    {400, "line_end_malformed", "a line does not end with CR LF"},
    {431, "head_too_large", "the header section is too large"},
    {431, "too_many_fields", "there are too many header fields"},
    {400, "field_malformed", "a header field is malformed"},
    {400, "field_folded", "a header field is continued on the next line"},
    {400, "field_value_malformed", "a header field contains a control character"},
    {400, "field_name_underscore", "a header field name contains an underscore"},
    {400, "host_missing", "the Host header field is missing"},
    {400, "host_repeated", "there is more than one Host header field"},
    {400, "host_malformed", "the Host header field is malformed"},
    {400, "host_contradicted", "the request target and the Host header field differ"},
    {400, "content_length_malformed", "Content-Length is malformed"},
    {400, "content_length_repeated", "there is more than one Content-Length"},
    {400, "transfer_encoding_unsupported", "Transfer-Encoding is not exactly 'chunked'"},
    {400, "length_and_transfer_encoding", "Content-Length and Transfer-Encoding come together"},
    {400, "content_not_allowed", "a request of this method has no content"},
    {400, "connection_malformed", "Connection or Upgrade is malformed"},
    {417, "expectation_unknown", "the expectation is not '100-continue'"},
    {400, "chunk_malformed", "a chunk is malformed"},
    {400, "chunk_too_large", "a chunk size or its extensions are too large"},
    {400, "trailer_malformed", "the trailer section is malformed"},
    {400, "trailer_too_large", "the trailer section is too large"},
    {400, "body_incomplete", "the connection was closed before the end of the body"},
}};

}  // namespace

const H1Refusal& describe(H1Error error) {
  return kRefusals[static_cast<std::size_t>(error)];
}

}  // namespace vallum::http
