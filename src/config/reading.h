#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"
#include "config/diagnostic.h"
#include "config/files.h"
#include "config/option.h"
#include "config/settings.h"
#include "policy/compiler.h"

namespace vallum::config {

// A value as it was given, with the text it came from.
struct Value {
  const codec::Node* node = nullptr;
  Place place;
};

// What the reading of one option may use and where it says what is wrong.
class Reading {
 public:
  Reading(Report& report, const Files& files) : report_(report), files_(files) {}

  // Until the next call, faults and notices are about this option. `prefix` stands before its name:
  // "routes[2]." for one of a route.
  void begin(std::string_view prefix, std::string_view name, const Value& value);

  // At the node, or where the option stands when the node has no place of its own.
  void fault(const codec::Node& at, std::string message, std::string cure = {});
  void notice(const codec::Node& at, std::string message, std::string cure = {});

  // A node that lives as long as the load.
  const codec::Node& keep(codec::Node node);

  Report& report() { return report_; }
  const Files& files() const { return files_; }
  const Value& value() const { return value_; }
  const std::string& option() const { return option_; }

 private:
  Place place_of(const codec::Node& node) const;

  Report& report_;
  const Files& files_;
  std::string option_;
  Value value_;
  std::deque<codec::Node> kept_;
};

// Each reads a value of one type by the weak typing of configuration specification 1.3. False after
// a fault; `into` is unchanged then.
bool read_into(Reading& reading, const codec::Node& node, bool& into);
bool read_into(Reading& reading, const codec::Node& node, std::uint32_t& into);
bool read_into(Reading& reading, const codec::Node& node, std::string& into);
bool read_into(Reading& reading, const codec::Node& node, Duration& into);
bool read_into(Reading& reading, const codec::Node& node, Secret& into);
// A list, or one text with commas; never shown.
bool read_into(Reading& reading, const codec::Node& node, std::vector<Secret>& into);
bool read_into(Reading& reading, const codec::Node& node, BindAddress& into);
bool read_into(Reading& reading, const codec::Node& node, std::vector<std::string>& into);
bool read_into(Reading& reading, const codec::Node& node, std::map<std::string, std::string>& into);
bool read_into(Reading& reading, const codec::Node& given, std::vector<HeaderLine>& into);
bool read_into(Reading& reading, const codec::Node& given, std::vector<ClaimHeader>& into);
bool read_into(Reading& reading, const codec::Node& given, RuntimeFlags& into);
bool read_into(Reading& reading, const codec::Node& node, telemetry::LogLevel& into);
bool read_into(Reading& reading, const codec::Node& node, codec::SameSite& into);
bool read_into(Reading& reading, const codec::Node& node, IssuerFormat& into);
bool read_into(Reading& reading, const codec::Node& node, AssertionReuse& into);
bool read_into(Reading& reading, const codec::Node& node, Enforcement& into);
bool read_into(Reading& reading, const codec::Node& node, policy::Quirks& into);
bool read_into(Reading& reading, const codec::Node& node, http::EscapedSlashes& into);
bool read_into(Reading& reading, const codec::Node& node, http::UnderscoreNames& into);

// The option was given: present, even when empty.
template <class T>
bool read_into(Reading& reading, const codec::Node& node, std::optional<T>& into) {
  T value{};
  if (!read_into(reading, node, value)) {
    return false;
  }
  into = std::move(value);
  return true;
}

// An http::Uri has no empty value of its own.
bool read_into(Reading& reading, const codec::Node& node, std::optional<http::Uri>& into);
// "" and "unknown" are none.
bool read_into(Reading& reading, const codec::Node& node, std::optional<BearerTokenFormat>& into);
// "" is none; quotes around the text are dropped.
bool read_into(Reading& reading, const codec::Node& node, std::optional<BindAddress>& into);

// Checks a value of an option that is not built, so that a mistake in it is not found only later.
void check_shape(Reading& reading, const Option& option, const codec::Node& node);

// The text of a scalar: booleans are "1" and "0" (1.3). Nothing for a list or a map.
std::optional<std::string> scalar_text(const codec::Node& node);

// In quotes, shortened and without control characters, for messages. Never pass a secret.
std::string quoted(std::string_view text);

// What a message calls the kind of a node: "a list".
std::string_view kind_of(const codec::Node& node);

// RFC 9110 5.6.2.
bool is_token(std::string_view text);
// RFC 9110 5.5 without obs-text folding: no control characters but tab.
bool is_field_value(std::string_view text);

}  // namespace vallum::config
