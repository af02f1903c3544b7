#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace vallum::http {

// Who a request is for: the value of Host, of :authority, or the authority of a URL, in its one
// canonical form, so that router, policy, cookies and log compare bytes. Lower case; one trailing
// dot removed; an IPv6 literal as RFC 5952 writes it, in brackets. A value of fixed size: making
// and copying one never allocates.
class Authority {
 public:
  // The longest host name of DNS, and of any address literal.
  static constexpr std::size_t kHostBytesMax = 253;

  // NOLINTNEXTLINE(modernize-use-equals-default,cppcoreguidelines-pro-type-member-init): see text_
  Authority() {}

  // host[:port] without userinfo. Refuses what two parsers could read differently: bytes outside
  // letters, digits, '-', '_' and '.', empty labels other than a leading one, numbers that are not
  // a canonical IPv4 address ("127.1", "0x7f.1"), IPv4-mapped IPv6, zones, an empty port and ports
  // outside 1 to 65535 or with leading zeros. Punycode passes as it is; other Unicode is refused.
  static Result<Authority> parse(std::string_view text);
  // The same into this object, which is empty after a failure.
  Result<void> assign(std::string_view text);
  void clear();

  // The host alone; an IPv6 literal keeps its brackets. Until the object dies or is assigned.
  std::string_view host() const { return {text_.data(), host_bytes_}; }
  std::optional<std::uint16_t> port() const {
    return port_ == 0 ? std::nullopt : std::optional(port_);
  }
  std::uint16_t port_or(std::uint16_t fallback) const { return port_ == 0 ? fallback : port_; }
  // host or host:port. Until the object dies or is assigned.
  std::string_view text() const { return {text_.data(), text_bytes_}; }
  bool empty() const { return text_bytes_ == 0; }

  // The host is an IPv4 address or a bracketed IPv6 address.
  bool is_ip() const { return is_ip_; }
  // localhost, 127.0.0.0/8 or [::1].
  bool is_loopback() const;

  // The same host without a port, when the port is this one.
  Authority without_port(std::uint16_t default_port) const;

  bool operator==(const Authority& other) const { return text() == other.text(); }

 private:
  // Each returns the reason for refusing, or null.
  const char* set_host(std::string_view host);
  const char* set_name(std::string_view name);
  const char* set_address(std::string_view bracketed);
  const char* set_port(std::string_view port);
  void append(std::string_view piece);

  // Only the first text_bytes_ mean anything: one is made per request, and filling all of it with
  // zeros costs more than parsing a host. ":65535" and a trailing dot fit behind the longest name.
  std::array<char, kHostBytesMax + 7> text_;
  std::uint16_t host_bytes_ = 0;
  std::uint16_t text_bytes_ = 0;
  std::uint16_t port_ = 0;
  bool is_ip_ = false;
};

}  // namespace vallum::http
