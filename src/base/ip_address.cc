#include "base/ip_address.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "base/check.h"
#include "base/strings.h"

namespace vallum {

namespace {

constexpr std::array<std::byte, 12> kMappedPrefix{std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0},
                                                  std::byte{0xff},
                                                  std::byte{0xff}};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton wants a terminated string and, for IPv4, already refuses leading zeros and short
  // forms.
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.empty() || text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::ranges::copy(text, buffer.begin());
  std::array<std::byte, 16> bytes{};
  if (inet_pton(AF_INET, buffer.data(), bytes.data()) == 1) {
    return from_bytes(ByteView(bytes).first(4));
  }
  if (inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1) {
    return from_bytes(bytes);
  }
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(ByteView bytes) {
  CHECK(bytes.size() == 4 || bytes.size() == 16);
  IpAddress address;
  if (bytes.size() == 16 && std::ranges::equal(bytes.first(12), kMappedPrefix)) {
    bytes = bytes.last(4);
  }
  address.v4_ = bytes.size() == 4;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::loopback_v4() {
  constexpr std::array<std::byte, 4> kLoopback{
      std::byte{127}, std::byte{0}, std::byte{0}, std::byte{1}};
  return from_bytes(kLoopback);
}

bool IpAddress::is_loopback() const {
  if (v4_) {
    return bytes_[0] == std::byte{127};
  }
  return std::ranges::all_of(bytes().first(15), [](std::byte b) { return b == std::byte{0}; }) &&
         bytes_[15] == std::byte{1};
}

std::string IpAddress::text() const {
  if (v4_) {
    // Written by hand: this is once per request, and inet_ntop() formats with sprintf().
    std::array<char, INET_ADDRSTRLEN> digits{};
    char* end = digits.data();
    for (const std::byte part : bytes().first(4)) {
      end = std::to_chars(end, digits.data() + digits.size(), std::to_integer<unsigned>(part)).ptr;
      *end++ = '.';
    }
    return {digits.data(), end - 1};
  }
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned bits) : bits_(bits) {
  CHECK(bits <= address.bytes().size() * 8);
  std::array<std::byte, 16> masked{};
  const ByteView from = address.bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const unsigned kept = bits > i * 8 ? std::min(8U, bits - static_cast<unsigned>(i) * 8) : 0;
    masked[i] = from[i] & static_cast<std::byte>((0xff00U >> kept) & 0xffU);
  }
  address_ = IpAddress::from_bytes(ByteView(masked).first(from.size()));
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (!address) {
    return std::nullopt;
  }
  const auto bits_max = static_cast<unsigned>(address->bytes().size() * 8);
  if (slash == std::string_view::npos) {
    return IpPrefix(*address, bits_max);
  }
  const std::string_view length = text.substr(slash + 1);
  const std::optional<std::uint64_t> bits = parse_u64(length);
  if (!bits || (length.size() > 1 && length.front() == '0')) {
    return std::nullopt;
  }
  // ::ffff:a.b.c.d/n counts its bits from the IPv6 start.
  const bool mapped = address->is_v4() && host.find(':') != std::string_view::npos;
  const std::uint64_t shift = mapped ? 96 : 0;
  if (*bits < shift || *bits - shift > bits_max) {
    return std::nullopt;
  }
  return IpPrefix(*address, static_cast<unsigned>(*bits - shift));
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.is_v4() == address_.is_v4() && IpPrefix(address, bits_).address_ == address_;
}

std::string IpPrefix::text() const {
  return address_.text() + "/" + std::to_string(bits_);
}

}  // namespace vallum
