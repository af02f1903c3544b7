#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vallum::config {

struct Value;
struct GlobalTarget;
struct RouteTarget;
class Reading;

// How a value is written, for documentation and for the shape check of options that are not built.
enum class OptionType : std::uint8_t {
  Bool,
  Text,
  Count,
  Number,
  Duration,
  Milliseconds,
  Address,
  Url,
  TextList,
  TextMap,
  Secret,
  SecretList,
  File,
  Choice,
  Block,  // a map whose keys are options of their own, "block.key"
  Any,
};

enum class OptionScope : std::uint8_t { Global, Route };
enum class OptionReload : std::uint8_t { Live, Boot };

enum class OptionStatus : std::uint8_t {
  Built,
  Later,        // known, checked for its shape, named in a warning, otherwise without effect
  LaterCloses,  // the same, and a route that depends on it is not served
  Removed,      // an error that names the replacement
  StoredOnly,   // of settings kept in the databroker: without effect in a file
};

// One row of the table. Adding an option is adding a row to global_options.cc or route_options.cc,
// and the member it fills.
struct Option {
  std::string_view name;  // lower case; "block.key" inside a block
  OptionType type = OptionType::Any;
  // As one would write it; read by the same code as a given value. Empty: none.
  std::string_view fallback;
  // For a removed option: what to use instead.
  std::string_view documentation;
  OptionScope scope = OptionScope::Global;
  OptionStatus status = OptionStatus::Built;
  OptionReload reload = OptionReload::Live;
  // What a Choice may be, in full; see match_choice().
  std::span<const std::string_view> choices;
  // Exactly one of these for a built option: reads a value into its place.
  void (*read_global)(Reading&, const Value&, GlobalTarget&) = nullptr;
  void (*read_route)(Reading&, const Value&, RouteTarget&) = nullptr;
};

std::span<const Option> global_options();
std::span<const Option> route_options();

// By its lower-case name; null when there is none.
const Option* find_option(OptionScope scope, std::string_view name);

// The known name with the smallest edit distance, if it is near enough to be what was meant; else
// "".
std::string_view nearest_option(OptionScope scope, std::string_view name);

// The environment variable of a global option: upper case, "." as "_". Some have names of their
// own.
std::string environment_name(const Option& option);

std::string_view to_string(OptionType type);

}  // namespace vallum::config
