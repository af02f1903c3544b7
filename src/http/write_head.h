#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "http/syntax/fields.h"

namespace vallum::http {

// Writes the head of an HTTP/1.1 message into the caller's buffer. Never allocates. Faults are
// remembered and come out of finish(), so that a head reads as a list:
//
//   HeadWriter head(buffer);
//   head.request_line("GET", target.text);
//   head.field("Host", upstream);
//   for (const Field& field : request.fields) { if (...) { head.copy(field); } }
//   TRY(std::string_view bytes, head.finish());
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> to) : to_(to) {}

  // Requires a target that normalize_target() or a parser made.
  void request_line(std::string_view method, std::string_view target);
  void status_line(std::uint16_t status);
  void status_line(std::uint16_t status, std::string_view reason);

  // A field of ours. A name that is no token or a value that holds a control makes the whole head
  // fail: a value from a token or a record must not become a line of its own.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t number);
  // A field of a head that was parsed, as it is.
  void copy(const Field& field);

  // A field whose value comes in pieces: begin_field, any number of value_piece, end_field.
  void begin_field(std::string_view name);
  void value_piece(std::string_view piece);
  void end_field();

  // Writes the empty line and returns the head: a view of the buffer. ResourceExhausted when it is
  // too small, Internal for a malformed field.
  Result<std::string_view> finish();

 private:
  void put(std::string_view text);

  std::span<char> to_;
  std::size_t size_ = 0;
  bool full_ = false;
  bool malformed_ = false;
};

}  // namespace vallum::http
