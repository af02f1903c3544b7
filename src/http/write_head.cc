#include "http/write_head.h"

#include <array>
#include <charconv>
#include <cstring>

#include "http/status_of.h"

namespace vallum::http {

void HeadWriter::put(std::string_view text) {
  if (text.size() > to_.size() - size_) {
    full_ = true;
    return;
  }
  if (!text.empty()) {
    std::memcpy(to_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  put(method);
  put(" ");
  put(target);
  put(" HTTP/1.1\r\n");
}

void HeadWriter::status_line(std::uint16_t status) {
  status_line(status, reason_phrase(status));
}

void HeadWriter::status_line(std::uint16_t status, std::string_view reason) {
  const std::array<char, 3> digits{static_cast<char>('0' + status / 100 % 10),
                                   static_cast<char>('0' + status / 10 % 10),
                                   static_cast<char>('0' + status % 10)};
  malformed_ = malformed_ || status < 100 || status > 599 || !is_field_value(reason);
  put("HTTP/1.1 ");
  put({digits.data(), digits.size()});
  put(" ");
  put(reason);
  put("\r\n");
}

void HeadWriter::begin_field(std::string_view name) {
  malformed_ = malformed_ || !is_token(name);
  put(name);
  put(": ");
}

void HeadWriter::value_piece(std::string_view piece) {
  malformed_ = malformed_ || !is_field_value(piece);
  put(piece);
}

void HeadWriter::end_field() {
  put("\r\n");
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  begin_field(name);
  value_piece(value);
  end_field();
}

void HeadWriter::field(std::string_view name, std::uint64_t number) {
  std::array<char, 20> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  field(name, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

void HeadWriter::copy(const Field& field) {
  put(field.name);
  put(": ");
  put(field.value);
  put("\r\n");
}

Result<std::string_view> HeadWriter::finish() {
  put("\r\n");
  if (malformed_) {
    return fail(ErrorKind::Internal, "head: a field of ours holds a byte that no field may hold");
  }
  if (full_) {
    return fail(ErrorKind::ResourceExhausted, "head: larger than the buffer for it");
  }
  return std::string_view(to_.data(), size_);
}

}  // namespace vallum::http
