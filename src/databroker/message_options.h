#pragma once

namespace databroker {
class Options;
}  // namespace databroker

namespace vallum::databroker {

struct TypeOptions;

// TypeOptions as the message of the wire and of stored notes, and back. A duration that does not
// fit, or is not above zero, comes back as zero, which check_options() refuses.
void write_options(const TypeOptions& options, ::databroker::Options& message);
TypeOptions read_options(const ::databroker::Options& message);

}  // namespace vallum::databroker
