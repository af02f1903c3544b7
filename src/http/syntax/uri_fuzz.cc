// URLs, authorities and host patterns: parsing again changes nothing, and no part holds what would
// let a browser read another host.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/syntax/host_pattern.h"
#include "http/syntax/uri.h"

namespace vallum::http {
namespace {

void check_authority(const Authority& authority) {
  const auto again = Authority::parse(authority.text());
  CHECK(again.has_value() && *again == authority);
  CHECK(again->host() == authority.host() && again->port() == authority.port());
  CHECK(authority.host().find_first_of("@/\\?# %") == std::string_view::npos);
  CHECK(authority.text().starts_with(authority.host()));
  const auto pattern = HostPattern::parse(authority.text());
  CHECK(pattern.has_value() && pattern->matches_host(authority.host()));
}

void check_uri(const Uri& uri) {
  const auto again = Uri::parse(uri.text());
  CHECK(again.has_value() && *again == uri);
  CHECK(uri.text().starts_with(uri.origin()));
  CHECK(uri.path().starts_with('/') && !uri.path().starts_with("//"));
  CHECK(uri.text().find_first_of("\\ \r\n\t") == std::string::npos);
  check_authority(uri.authority());
}

}  // namespace
}  // namespace vallum::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::http;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto uri = Uri::parse(input)) {
    check_uri(*uri);
  }
  if (const auto authority = Authority::parse(input)) {
    check_authority(*authority);
  }
  if (const auto source = SourceUrl::parse(input)) {
    CHECK(!source->hosts.empty() || source->kind == SourceUrl::Kind::Tunnel);
  }
  if (const auto pattern = HostPattern::parse(input)) {
    static_cast<void>(pattern->matches_host("a.example.com"));
  }
  const auto authority = Authority::parse("app.t");
  CHECK(authority.has_value());
  const std::string target = "/" + std::string(input);
  if (const auto uri = Uri::of_request(Scheme::Https, *authority, target)) {
    check_uri(*uri);
    CHECK(uri->host() == "app.t" && !uri->fragment());
  }
  return 0;
}
