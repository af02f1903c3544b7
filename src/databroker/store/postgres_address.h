#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace vallum::databroker {

// Which database to use and how, in libpq's own words, checked: a connection that leaves this
// machine proves who is at the other end (sslmode=verify-full).
class PostgresAddress {
 public:
  // Reads a URL (postgres://...) or "keyword=value ...". What is absent has a default of ours
  // (quick notice of a dead host, target_session_attrs=read-write), or is what libpq's environment
  // variables say. InvalidInput names the cause and the cure and holds nothing of the text, which
  // has a password in it.
  static Result<PostgresAddress> parse(const Secret& text);

  // For a second session.
  PostgresAddress clone() const;

  // Host and database, for people: "db1,db2/vallum".
  const std::string& place() const { return place_; }
  // Keyword and value, each value with a NUL at its end.
  const std::vector<std::pair<std::string, Secret>>& parameters() const { return parameters_; }

 private:
  PostgresAddress() = default;

  std::string place_;
  std::vector<std::pair<std::string, Secret>> parameters_;
};

}  // namespace vallum::databroker
