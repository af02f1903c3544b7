#include "http/syntax/authority.h"

#include <algorithm>
#include <string>

#include "base/ip_address.h"
#include "base/strings.h"

namespace vallum::http {
namespace {

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '-' || c == '.' || c == '_';
}

// Whether resolvers and browsers take this last label for a number: such a host is an IPv4 address
// or nothing (WHATWG URL 3.5, "ends in a number").
bool is_number_label(std::string_view label) {
  if (label.starts_with("0x")) {
    return std::ranges::all_of(label.substr(2),
                               [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
  }
  return !label.empty() && std::ranges::all_of(label, is_ascii_digit);
}

std::string_view last_label(std::string_view host) {
  return host.substr(host.rfind('.') + 1);  // npos + 1 is 0
}

}  // namespace

void Authority::append(std::string_view piece) {
  std::ranges::copy(piece, text_.begin() + text_bytes_);
  text_bytes_ = static_cast<std::uint16_t>(text_bytes_ + piece.size());
}

Result<void> Authority::set_host(std::string_view host) {
  if (host.starts_with('[')) {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    if (!address || address->is_v4()) {
      return fail(ErrorKind::InvalidInput, "host: not a plain IPv6 address in brackets");
    }
    append("[");
    append(address->text());
    append("]");
    is_ip_ = true;
  } else {
    if (host.ends_with('.')) {
      host.remove_suffix(1);
    }
    if (host.empty() || host.size() > kHostBytesMax) {
      return fail(ErrorKind::InvalidInput, "host: empty or too long");
    }
    char previous = 0;
    for (const char raw : host) {
      const char c = ascii_lower(raw);
      if (!is_host_byte(c) || (c == '.' && previous == '.')) {
        return fail(ErrorKind::InvalidInput, "host: not a host name");
      }
      text_[text_bytes_++] = c;
      previous = c;
    }
    if (previous == '.') {
      return fail(ErrorKind::InvalidInput, "host: not a host name");
    }
    if (is_number_label(last_label(text()))) {
      is_ip_ = IpAddress::parse(text()).has_value();
      if (!is_ip_) {
        return fail(ErrorKind::InvalidInput, "host: a number that is not an IPv4 address");
      }
    }
  }
  host_bytes_ = text_bytes_;
  return {};
}

Result<void> Authority::set_port(std::string_view port) {
  const auto number = port.size() <= 5 ? parse_u64(port) : std::nullopt;
  if (!number || *number == 0 || *number > 65535 || port.starts_with('0')) {
    return fail(ErrorKind::InvalidInput, "host: the port is not a number from 1 to 65535");
  }
  port_ = static_cast<std::uint16_t>(*number);
  append(":");
  append(port);
  return {};
}

Result<Authority> Authority::parse(std::string_view text) {
  std::size_t host_end = text.find(':');
  if (text.starts_with('[')) {
    host_end = text.find(']');
    if (host_end == std::string_view::npos) {
      return fail(ErrorKind::InvalidInput, "host: a bracket is never closed");
    }
    ++host_end;
    if (host_end < text.size() && text[host_end] != ':') {
      return fail(ErrorKind::InvalidInput, "host: text after the closing bracket");
    }
  }
  Result<Authority> authority;
  TRY_OK(authority->set_host(text.substr(0, host_end)));
  if (host_end < text.size()) {
    TRY_OK(authority->set_port(text.substr(host_end + 1)));
  }
  return authority;
}

bool Authority::is_loopback() const {
  if (!is_ip_) {
    return host() == "localhost";
  }
  return host() == "[::1]" || host().starts_with("127.");
}

Authority Authority::without_port(std::uint16_t default_port) const {
  Authority bare = *this;
  if (port_ == default_port) {
    bare.port_ = 0;
    bare.text_bytes_ = host_bytes_;
  }
  return bare;
}

}  // namespace vallum::http
