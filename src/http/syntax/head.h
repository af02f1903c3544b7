#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/syntax/authority.h"
#include "http/syntax/fields.h"
#include "http/syntax/limits.h"

namespace vallum::http {

// The methods with a meaning of their own here; every other registered method is Other.
enum class Method : std::uint8_t {
  Get,
  Head,
  Post,
  Put,
  Patch,
  Delete,
  Options,
  Connect,
  Trace,
  Other,
};

// RFC 9112 3.2.
enum class TargetForm : std::uint8_t { Origin, Absolute, Authority, Asterisk };

// How the end of a body is known (RFC 9112 6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t { None, Length, Chunked, UntilClose };

  Kind kind = Kind::None;
  std::uint64_t length = 0;  // of Kind::Length only

  static constexpr BodyFraming none() { return {}; }
  static constexpr BodyFraming chunked() { return {.kind = Kind::Chunked}; }
  static constexpr BodyFraming until_close() { return {.kind = Kind::UntilClose}; }
  // A length of 0 is no body.
  static constexpr BodyFraming of_length(std::uint64_t bytes) {
    return {.kind = bytes == 0 ? Kind::None : Kind::Length, .length = bytes};
  }

  bool operator==(const BodyFraming&) const = default;
};

// A request line and its fields, checked. All views point into the buffer that was parsed.
struct RequestHead {
  Method method = Method::Get;
  TargetForm form = TargetForm::Origin;
  bool keep_alive = true;
  // The client waits for 100 before it sends its body.
  bool expects_continue = false;
  std::string_view method_text;
  std::string_view target;  // as received
  // What normalize_target() takes: path and query of an origin-form or absolute-form target, "*"
  // of OPTIONS *, "" of CONNECT.
  std::string_view path_and_query;
  // From the target when it names one (then Host agrees with it), else from Host.
  Authority authority;
  BodyFraming framing;
  // The protocols asked for with Connection: upgrade; "" when there is no such wish.
  std::string_view upgrade;
  Fields fields;

  // Empties everything, keeping the memory of `fields`.
  void clear();
};

struct ResponseHead {
  std::uint16_t status = 0;
  std::uint8_t version_minor = 1;
  bool keep_alive = true;
  std::string_view reason;
  BodyFraming framing;
  // The protocol switched to with 101; "" otherwise.
  std::string_view upgrade;
  Fields fields;

  void clear();
};

}  // namespace vallum::http
