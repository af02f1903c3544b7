#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"

namespace vallum::config {

// Where a value was written. `source` is an index into the sources of the load that made it.
struct Place {
  std::uint32_t source = 0;
  codec::Position at;

  bool operator==(const Place&) const = default;
};

// "FILE:LINE:COL", or "$NAME" for an environment variable; "" for a default.
std::string where(const std::vector<std::string>& sources, const Place& place);

enum class Severity : std::uint8_t {
  Error,       // the configuration cannot be used
  UnknownKey,  // never stops a start or a reload; an error under --strict
  Warning,     // will be used, but not as somebody may expect
};

std::string_view to_string(Severity severity);

// One thing to tell the operator.
struct Diagnostic {
  Severity severity = Severity::Error;
  Place place;
  std::string where;    // "FILE:LINE:COL", or "$NAME" for an environment variable
  std::string option;   // "routes[2].timeout"; empty for the text as a whole
  std::string message;  // names the option and what is wrong with it
  std::string cure;     // what to write instead; may be empty

  // "FILE:LINE:COL: message; cure"
  std::string text() const;
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);

// In the order of the text; errors before warnings at one place; else as they were.
void sort_by_place(Diagnostics& diagnostics);

// Collects diagnostics of one load, whose texts come from several sources.
class Report {
 public:
  // The name of a file, or "$NAME". Returns the index for Place::source.
  std::uint32_t add_source(std::string name);
  // "FILE:LINE:COL" or "$NAME"; "" for a default.
  std::string where(const Place& place) const;
  const std::vector<std::string>& sources() const { return sources_; }

  void error(Place place, std::string option, std::string message, std::string cure = {});
  void warn(Place place, std::string option, std::string message, std::string cure = {});
  void unknown(Place place, std::string option, std::string message, std::string cure = {});

  bool has_errors() const { return config::has_errors(diagnostics_); }
  // In the order of the text; errors before warnings at one place.
  Diagnostics take();

 private:
  void add(
      Severity severity, Place place, std::string option, std::string message, std::string cure);

  std::vector<std::string> sources_;
  Diagnostics diagnostics_;
};

}  // namespace vallum::config
