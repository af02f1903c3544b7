#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "http/syntax/authority.h"
#include "http/syntax/head.h"
#include "http/syntax/uri.h"

namespace vallum::http {

// The fields of a message of our own, in order. Names are compared without case.
class Headers {
 public:
  struct Line {
    std::string name;
    std::string value;

    bool operator==(const Line&) const = default;
  };

  // Requires a token as name. Bytes that no field value may hold (CR, LF, NUL, other controls) are
  // left out: a value never ends its line.
  void add(std::string_view name, std::string_view value);
  // Replaces every line of this name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);

  // The value of the first line of this name; find() gives null and value() "" when there is none.
  // Until the next non-const call.
  const std::string* find(std::string_view name) const;
  std::string_view value(std::string_view name) const;
  // Lines of this name.
  std::size_t count(std::string_view name) const;

  bool empty() const { return lines_.empty(); }
  auto begin() const { return lines_.begin(); }
  auto end() const { return lines_.end(); }

  bool operator==(const Headers&) const = default;

 private:
  std::vector<Line> lines_;
};

// A request to an endpoint of our own: small, whole and owned, unlike one that is proxied.
struct Request {
  Method method = Method::Get;
  Scheme scheme = Scheme::Https;
  Authority authority;
  std::string path = "/";  // canonical
  std::string query;       // as received, without '?'
  Headers headers;
  std::string body;
  IpAddress peer;  // the client, after PROXY protocol and trusted hops
  std::string request_id;
};

struct Response {
  std::uint16_t status = 200;
  Headers headers;  // without Content-Length, Date and connection fields: the codec adds them
  std::string body;
};

}  // namespace vallum::http
