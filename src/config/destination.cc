#include "config/destination.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace vallum::config {

namespace {

using codec::Node;

struct SplitUrl {
  std::string scheme;  // lower case
  std::string_view authority;
  std::string_view path;  // without query and fragment
};

Result<SplitUrl> split_url(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) {
    return fail(ErrorKind::InvalidInput, "it has no scheme");
  }
  SplitUrl url{.scheme = to_lower(text.substr(0, mark)), .authority = {}, .path = {}};
  const std::string_view rest = text.substr(mark + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  url.authority = rest.substr(0, end);
  url.path = rest.substr(end, rest.find_first_of("?#", end) - end);
  return url;
}

RouteSource::Kind kind_of_scheme(std::string_view scheme) {
  if (scheme.starts_with("tcp")) {
    return RouteSource::Kind::Tcp;
  }
  if (scheme.starts_with("udp")) {
    return RouteSource::Kind::Udp;
  }
  return scheme == "ssh" ? RouteSource::Kind::Ssh : RouteSource::Kind::Http;
}

// One "URL[,WEIGHT]" of `to`, taken apart.
struct Entry {
  const Node* node = nullptr;
  SplitUrl url;
  std::optional<std::uint32_t> weight;
};

bool is_tunnel(std::string_view scheme) {
  return scheme == "tcp" || scheme == "udp" || scheme == "ssh";
}
bool is_unix(std::string_view scheme) {
  return scheme == "unix" || scheme == "https+unix";
}
bool is_built(std::string_view scheme) {
  return scheme == "http" || scheme == "https";
}

class DestinationReader {
 public:
  DestinationReader(Reading& reading, RouteTarget& target) : reading_(reading), target_(target) {}

  void read(const Node& node) {
    collect(node);
    if (!good_) {
      return;
    }
    if (entries_.empty()) {
      reading_.fault(node, "the list of URLs is empty");
      return;
    }
    check_weights();
    check_mixture();
    for (const Entry& entry : entries_) {
      add(entry);
    }
  }

 private:
  void fault(const Node& at, std::string message, std::string cure = {}) {
    reading_.fault(at, std::move(message), std::move(cure));
    good_ = false;
  }

  // Recursive: the readers bound the depth.
  void collect(const Node& node) {
    for (const Node& item : node.items()) {
      collect(item);
    }
    for (const Node::Member& member : node.members()) {
      collect(member.value);
    }
    if (node.is_scalar()) {
      collect_scalar(node);
    }
  }

  void collect_scalar(const Node& node) {
    std::string_view text = node.text();
    Entry entry{.node = &node, .url = {}, .weight = {}};
    const std::size_t comma = text.rfind(',');
    if (comma != std::string_view::npos) {
      const auto weight = parse_u64(text.substr(comma + 1));
      if (!weight || *weight == 0 || *weight > std::numeric_limits<std::uint32_t>::max()) {
        fault(node, quoted(text.substr(comma + 1)) + " is not a weight from 1 to 4294967295");
        return;
      }
      entry.weight = static_cast<std::uint32_t>(*weight);
      text = text.substr(0, comma);
    }
    auto url = split_url(text);
    if (!url || (url->authority.empty() && !is_unix(url->scheme))) {
      fault(node,
            quoted(text) + " is not a URL with scheme and host",
            "write scheme and host, such as http://127.0.0.1:8080");
      return;
    }
    entry.url = *std::move(url);
    target_.inputs.to_texts.emplace_back(text);
    target_.inputs.to_weights.push_back(entry.weight.value_or(0));
    entries_.push_back(std::move(entry));
  }

  void check_weights() {
    const auto weighted =
        std::ranges::count_if(entries_, [](const Entry& e) { return e.weight.has_value(); });
    if (weighted != 0 && static_cast<std::size_t>(weighted) != entries_.size()) {
      const auto bare = std::ranges::find_if(entries_, [](const Entry& e) { return !e.weight; });
      fault(*bare->node, "either no URL or every URL carries a weight");
    }
  }

  void check_mixture() {
    for (const std::string_view alone : {"tcp", "udp", "unix"}) {
      const auto belongs = [&](const Entry& entry) {
        return entry.url.scheme == alone || (alone == "unix" && is_unix(entry.url.scheme));
      };
      const auto other = std::ranges::find_if_not(entries_, belongs);
      if (other != entries_.end() && std::ranges::any_of(entries_, belongs)) {
        fault(*other->node, "cannot mix " + std::string(alone) + " with other URLs");
      }
    }
  }

  void add(const Entry& entry) {
    const std::string& scheme = entry.url.scheme;
    if (is_unix(scheme) || is_tunnel(scheme) || scheme == "h2c") {
      not_built(*entry.node, "to: scheme " + scheme + " is not built yet");
      return;
    }
    if (!is_built(scheme)) {
      fault(*entry.node,
            quoted(scheme) + " is not a scheme of an application: write http or https");
      return;
    }
    if (entry.url.authority.contains('@')) {
      fault(*entry.node, "a URL of an application cannot hold a user name or password");
      return;
    }
    const auto named = http::Authority::parse(entry.url.authority);
    if (!named) {
      fault(*entry.node, std::string(named.error().message()));
      return;
    }
    if (!entry.url.path.empty() && &entry == &entries_.front()) {
      target_.inputs.first_path = entry.url.path;
    }
    add_destination(entry, *named);
  }

  void add_destination(const Entry& entry, const http::Authority& named) {
    Destination destination{.scheme = entry.url.scheme,
                            .authority = named,
                            .port = named.port_or(entry.url.scheme == "http" ? 80 : 443),
                            .host_header = {},
                            .server_name = std::string(named.host()),
                            .is_tls = entry.url.scheme == "https",
                            .weight = entry.weight.value_or(1)};
    if (named.host() == "localhost") {
      const std::string port = named.port() ? ":" + std::to_string(*named.port()) : "";
      destination.authority = *http::Authority::parse("127.0.0.1" + port);
    }
    destination.host_header = std::string(destination.authority.text());
    target_.route.to.push_back(std::move(destination));
  }

  void not_built(const Node& at, std::string reason) {
    reading_.notice(at, reason.substr(4) + ", so the route is not served");
    target_.route.not_served_because = std::move(reason);
  }

  Reading& reading_;
  RouteTarget& target_;
  std::vector<Entry> entries_;
  bool good_ = true;
};

}  // namespace

Result<RouteSource> parse_route_source(std::string_view text) {
  TRY(const SplitUrl url, split_url(text));
  RouteSource source{.kind = kind_of_scheme(url.scheme),
                     .text = std::string(text),
                     .scheme = url.scheme,
                     .host = {},
                     .port = {}};
  // User information is ignored.
  const std::size_t at = url.authority.rfind('@');
  const std::string_view authority =
      at == std::string_view::npos ? url.authority : url.authority.substr(at + 1);
  std::string probe(authority);
  std::ranges::replace(probe, '*', 'w');
  TRY(const http::Authority parsed, http::Authority::parse(probe));
  const std::size_t host_size = std::min(authority.size(), parsed.host().size());
  source.host = authority.contains('*') ? to_lower(authority.substr(0, host_size))
                                        : std::string(parsed.host());
  source.port = parsed.port();
  if (source.kind == RouteSource::Kind::Http && source.port == source.default_port()) {
    source.port.reset();
  }
  return source;
}

void read_destination_list(Reading& reading, const Node& node, RouteTarget& target) {
  DestinationReader(reading, target).read(node);
}

}  // namespace vallum::config
