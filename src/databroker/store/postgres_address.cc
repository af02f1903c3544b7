#include "databroker/store/postgres_address.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>

#include <libpq-fe.h>

#include "base/ip_address.h"
#include "base/strings.h"

namespace vallum::databroker {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;
using Values = std::map<std::string, std::string, std::less<>>;

struct Default {
  const char* keyword;
  const char* value;
};
// A dead host or network is noticed within seconds, and a standby is not written to.
constexpr std::array kDefaults = {
    Default{"target_session_attrs", "read-write"},
    Default{"connect_timeout", "5"},
    Default{"keepalives", "1"},
    Default{"keepalives_idle", "10"},
    Default{"keepalives_interval", "5"},
    Default{"keepalives_count", "3"},
    Default{"tcp_user_timeout", "15000"},
    Default{"fallback_application_name", "vallum"},
};

void take_values(const PQconninfoOption* options, Values& values) {
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') {
      values.emplace(option->keyword, option->val);  // what is there already wins
    }
  }
}

std::string_view value_of(const Values& values, std::string_view keyword) {
  const auto found = values.find(keyword);
  return found == values.end() ? std::string_view() : std::string_view(found->second);
}

// "" means libpq's built-in directory of unix sockets.
bool stays_here(std::string_view host) {
  if (host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost") {
    return true;
  }
  const auto ip = IpAddress::parse(host);
  return ip && ip->is_loopback();
}

// An address given beside a name is where the connection goes.
bool leaves_this_machine(const Values& values) {
  const std::string_view addresses = value_of(values, "hostaddr");
  const std::string_view hosts = addresses.empty() ? value_of(values, "host") : addresses;
  const auto pieces = split(hosts, ',');
  return !std::ranges::all_of(pieces, stays_here);
}

Result<void> check(const Values& values) {
  if (!value_of(values, "service").empty()) {
    return fail(ErrorKind::InvalidInput,
                "databroker_storage_connection_string: 'service' is not supported, because its "
                "file could name a host without TLS; write the parameters out");
  }
  if (leaves_this_machine(values) && value_of(values, "sslmode") != "verify-full") {
    return fail(ErrorKind::InvalidInput,
                "databroker_storage_connection_string: a database on another machine needs "
                "sslmode=verify-full, and sslrootcert with the authority of its certificate");
  }
  return {};
}

Secret with_nul(std::string_view text) {
  Bytes bytes(as_bytes(text).begin(), as_bytes(text).end());
  bytes.push_back(std::byte{0});
  return Secret(std::move(bytes));
}

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::byte*>(text.data()), text.size()});
}

}  // namespace

Result<PostgresAddress> PostgresAddress::parse(const Secret& text) {
  const Secret terminated = with_nul(text.expose_text());
  char* complaint = nullptr;
  const Options given(
      PQconninfoParse(reinterpret_cast<const char*>(terminated.expose().data()), &complaint));
  PQfreemem(complaint);  // it may quote the text
  if (given == nullptr || text.expose_text().contains('\0')) {
    return fail(ErrorKind::InvalidInput,
                "databroker_storage_connection_string: is neither a URL "
                "(postgres://user:password@host:port/database?sslmode=verify-full) nor libpq's "
                "keyword=value form, or has an unknown parameter");
  }
  Values values;
  take_values(given.get(), values);
  const Options defaults(PQconndefaults());
  if (defaults != nullptr) {
    // libpq's own defaults (sslmode=prefer) come after ours.
    for (const Default& ours : kDefaults) {
      values.emplace(ours.keyword, ours.value);
    }
    take_values(defaults.get(), values);
  }
  // GSS encryption would come before TLS and prove something else.
  values["gssencmode"] = "disable";
  const Result<void> checked = check(values);

  PostgresAddress address;
  address.place_ = std::string(value_of(values, "host"));
  if (address.place_.empty()) {
    address.place_ = std::string(value_of(values, "hostaddr"));
  }
  address.place_.append("/").append(value_of(values, "dbname"));
  for (auto& [keyword, value] : values) {
    address.parameters_.emplace_back(keyword, with_nul(value));
    wipe_text(value);
  }
  if (!checked) {
    return fail(checked.error());
  }
  return address;
}

PostgresAddress PostgresAddress::clone() const {
  PostgresAddress copy;
  copy.place_ = place_;
  for (const auto& [keyword, value] : parameters_) {
    copy.parameters_.emplace_back(keyword, value.clone());
  }
  return copy;
}

}  // namespace vallum::databroker
