#include "http/syntax/authority.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/ip_address.h"
#include "base/strings.h"

namespace vallum::http {
namespace {

// The byte in lower case, or 0 when it is not for host names.
consteval std::array<char, 256> make_host_bytes() {
  std::array<char, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-._")) {
    table[static_cast<unsigned char>(c)] = c;
    if (is_ascii_alpha(c)) {
      table[static_cast<unsigned char>(c - 32)] = c;
    }
  }
  return table;
}
constexpr std::array<char, 256> kHostBytes = make_host_bytes();

// Whether resolvers and browsers take this last label for a number: such a host is an IPv4 address
// or nothing (WHATWG URL 3.5, "ends in a number").
bool is_number_label(std::string_view label) {
  if (label.empty() || !is_ascii_digit(label[0])) [[likely]] {
    return false;
  }
  if (label.starts_with("0x")) {
    return std::ranges::all_of(label.substr(2),
                               [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
  }
  return std::ranges::all_of(label, is_ascii_digit);
}

}  // namespace

void Authority::append(std::string_view piece) {
  std::ranges::copy(piece, text_.begin() + text_bytes_);
  text_bytes_ = static_cast<std::uint16_t>(text_bytes_ + piece.size());
}

const char* Authority::set_address(std::string_view bracketed) {
  const auto address = IpAddress::parse(bracketed.substr(1, bracketed.size() - 2));
  if (!address || address->is_v4()) {
    return "host: not a plain IPv6 address in brackets";
  }
  // Not address->text(): a string of its own would be the one allocation of a request.
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  inet_ntop(AF_INET6, address->bytes().data(), canonical.data(), canonical.size());
  append("[");
  append(canonical.data());
  append("]");
  is_ip_ = true;
  return nullptr;
}

const char* Authority::set_name(std::string_view name) {
  if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  if (name.empty() || name.size() > kHostBytesMax) {
    return "host: empty or too long";
  }
  std::size_t label_at = 0;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = kHostBytes[static_cast<unsigned char>(name[at])];
    if (c == 0) {
      return "host: a byte that host names do not have";
    }
    text_[at] = c;
    if (c == '.') {
      if (at == label_at && at != 0) {
        return "host: an empty label";
      }
      label_at = at + 1;
    }
  }
  if (label_at == name.size()) {
    return "host: an empty label";
  }
  text_bytes_ = static_cast<std::uint16_t>(name.size());
  if (is_number_label(text().substr(label_at))) {
    is_ip_ = IpAddress::parse(text()).has_value();
    if (!is_ip_) {
      return "host: a number that is not an IPv4 address";
    }
  }
  return nullptr;
}

const char* Authority::set_host(std::string_view host) {
  const char* refusal = host.starts_with('[') ? set_address(host) : set_name(host);
  host_bytes_ = text_bytes_;
  return refusal;
}

const char* Authority::set_port(std::string_view port) {
  const auto number = port.size() <= 5 ? parse_u64(port) : std::nullopt;
  if (!number || *number == 0 || *number > 65535 || port.starts_with('0')) {
    return "host: the port is not a number from 1 to 65535";
  }
  port_ = static_cast<std::uint16_t>(*number);
  append(":");
  append(port);
  return nullptr;
}

void Authority::clear() {
  host_bytes_ = 0;
  text_bytes_ = 0;
  port_ = 0;
  is_ip_ = false;
}

Result<void> Authority::assign(std::string_view text) {
  clear();
  std::size_t host_end = text.find(':');
  const char* refusal = nullptr;
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
  refusal = set_host(text.substr(0, host_end));
  if (refusal == nullptr && host_end < text.size()) {
    refusal = set_port(text.substr(host_end + 1));
  }
  if (refusal != nullptr) {
    clear();
    return fail(ErrorKind::InvalidInput, refusal);
  }
  return {};
}

Result<Authority> Authority::parse(std::string_view text) {
  Result<Authority> authority;
  TRY_OK(authority->assign(text));
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
