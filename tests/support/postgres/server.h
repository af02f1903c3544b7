#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "support/temp_directory.h"

namespace vallum::testing {

// A real PostgreSQL in a directory of its own, as Debian's package has it, for as long as this
// lives; as user postgres when the tests run as root. Listens on a unix socket, where everybody is
// let in, and on a TCP port of 127.0.0.1, with TLS and a password.
class PostgresServer {
 public:
  // More lines for its configuration. With `disk_bytes`, small_disk() is a disk of that size, which
  // is empty at each start.
  explicit PostgresServer(const std::string& settings = {}, std::size_t disk_bytes = 0);
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // A hot standby that follows this server over TCP on loopback, under a name that
  // synchronous_standby_names can have. This server outlives it.
  std::unique_ptr<PostgresServer> make_standby(const std::string& name) const;

  // The one that tests of a program share; it ends with the program.
  static PostgresServer& shared();

  // An empty database that role vallum owns.
  std::string create_database();
  // As libpq wants it: by the socket, or by TCP as role vallum with a password and TLS.
  std::string by_socket(const std::string& database) const;
  std::string by_tcp(const std::string& database, const std::string& more = "") const;
  static constexpr const char* kPassword = "planted-database-password";
  std::string root_certificate() const { return directory_.file("server.crt"); }
  unsigned short port() const { return port_; }
  // Whether this process may mount one for its children.
  static bool can_have_small_disk();
  std::string small_disk() const { return directory_.file("disk"); }
  // Where it keeps what it stores.
  std::string data_directory() const { return directory_.file("data"); }
  std::string socket_directory() const { return directory_.path(); }

  // Of both servers by TCP, as the address of a node that uses whichever is the primary.
  std::string by_tcp_with(const PostgresServer& other, const std::string& database) const;

  // Makes commits wait until the standby of that name has them.
  void wait_for_standby(const std::string& name);
  // For a standby: until it has everything the primary has now.
  void catch_up_with(const PostgresServer& primary);
  // For a standby: gets nothing from the primary from now on.
  void stop_following();
  // For a standby: it becomes a primary with what it has.
  void promote();

  // At once and without a clean end, as a power cut would.
  void kill();
  void stop();
  // Waits until it answers.
  void start();

 private:
  enum class Standby : std::uint8_t { Yes };
  PostgresServer(Standby standby, const PostgresServer& primary, const std::string& name);

  void own_directory();
  void run(const std::vector<std::string>& command);
  pid_t spawn(const std::vector<std::string>& command, std::size_t disk_bytes);

  TempDirectory directory_;
  unsigned short port_ = 0;
  std::size_t disk_bytes_ = 0;
  pid_t process_ = -1;
  int databases_ = 0;
};

// A session of somebody with access to the database, who may look at and change everything.
class RawSession {
 public:
  explicit RawSession(const std::string& address);
  RawSession(const RawSession&) = delete;
  RawSession& operator=(const RawSession&) = delete;
  ~RawSession();

  void execute(const std::string& sql);
  // All columns of all rows, as text.
  std::vector<std::string> ask(const std::string& sql);
  // Asks until the one answer is that; fails the test when it does not come.
  void wait_until(const std::string& sql, const std::string& answer);

 private:
  struct Native;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::testing
