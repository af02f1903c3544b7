#include "net/network.h"

#include <string_view>

#include "base/strings.h"

namespace vallum::net {

std::vector<IpAddress> resolve_locally(std::string_view host) {
  std::string_view literal = host;
  if (literal.size() >= 2 && literal.front() == '[' && literal.back() == ']') {
    literal = literal.substr(1, literal.size() - 2);
  }
  if (const auto ip = IpAddress::parse(literal)) {
    return {*ip};
  }
  std::string name = to_lower(host);
  if (name.ends_with('.')) {
    name.pop_back();
  }
  if (name == "localhost" || name.ends_with(".localhost")) {
    return {IpAddress::loopback_v4()};
  }
  return {};
}

}  // namespace vallum::net
