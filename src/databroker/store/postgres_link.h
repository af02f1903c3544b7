#pragma once

#include <optional>
#include <string>

#include "base/entropy.h"
#include "base/time.h"
#include "databroker/store/backoff.h"
#include "databroker/store/postgres_connection.h"

namespace vallum::databroker {

// A session that is made again when it was lost, not more often than its backoff allows: in between
// calls fail at once.
class PostgresLink {
 public:
  enum class Use : std::uint8_t {
    Statements,  // everything the store runs is prepared
    Listening,   // LISTEN
  };
  // `silence_max` as PostgresConnection::open() has it. The clock outlives this.
  PostgresLink(PostgresAddress address, Duration silence_max, const Clock& clock, Entropy& entropy);

  // Every session from now on must be with this data set, and is made ready for its use.
  void expect(std::string deployment, Use use);

  // The session, made now if there is none. Until drop().
  Result<PostgresConnection*> get();
  // The same without regard to the backoff.
  Result<PostgresConnection*> get_now();
  bool is_up() const { return connection_.has_value(); }
  // How long get() will refuse to try.
  Duration pause_left() const;
  void drop() { connection_.reset(); }
  // Drops the session if it is lost. Returns whether it was.
  bool drop_if_lost();

  const std::string& place() const { return address_.place(); }
  const std::string& deployment() const { return deployment_; }

 private:
  Result<void> make_ready(PostgresConnection& connection);

  PostgresAddress address_;
  Duration silence_max_;
  const Clock& clock_;
  Backoff backoff_;
  Instant next_attempt_{};
  std::optional<PostgresConnection> connection_;
  std::string deployment_;  // empty: any
  Use use_ = Use::Statements;
};

}  // namespace vallum::databroker
