#include "support/postgres/server.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace vallum::testing {
namespace {

namespace fs = std::filesystem;

// PostgreSQL refuses to run as root.
const passwd* unprivileged_user() {
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  CHECK(::geteuid() != 0 || user != nullptr);  // package postgresql makes it
  return user;
}

// Debian keeps the programs of each version in a folder of its own, off the path.
std::string program(const std::string& name) {
  for (int version = 30; version >= 14; --version) {
    std::string path = "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
    if (fs::exists(path)) {
      return path;
    }
  }
  return name;
}

unsigned short free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void pause_shortly() {
  ::poll(nullptr, 0, 10);  // for another process to get on; nothing is measured
}

void write_proc(const std::string& name, const std::string& text) {
  const int fd = ::open(("/proc/self/" + name).c_str(), O_WRONLY | O_CLOEXEC);
  static_cast<void>(!::write(fd, text.data(), text.size()));
  ::close(fd);
}

// A file system that only this process and its children see, and that ends with them. In a child,
// since only a process of one thread may do so.
bool mount_small_disk(const std::string& directory, std::size_t bytes) {
  std::string options = "mode=0700,size=" + std::to_string(bytes);
  if (const passwd* user = unprivileged_user()) {
    options.append(",uid=").append(std::to_string(user->pw_uid));
    if (::unshare(CLONE_NEWNS) != 0) {
      return false;
    }
  } else {
    const std::string uid = std::to_string(::getuid());
    const std::string gid = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return false;
    }
    write_proc("setgroups", "deny");
    write_proc("uid_map", uid + " " + uid + " 1");
    write_proc("gid_map", gid + " " + gid + " 1");
  }
  return ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::string& directory,
                         const std::string& log) {
  if (const passwd* user = unprivileged_user()) {
    if (::initgroups(user->pw_name, user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 ||
        ::setuid(user->pw_uid) != 0) {
      ::_exit(126);
    }
  }
  ::setenv("HOME", directory.c_str(), 1);  // where clients look for certificates
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);      // a test that crashes leaves no server behind
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (::chdir(directory.c_str()) != 0) {
    ::_exit(126);
  }
  std::vector<char*> arguments;
  std::vector<std::string> copies = command;
  for (std::string& argument : copies) {
    arguments.push_back(argument.data());
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

void PostgresServer::own_directory() {
  if (const passwd* user = unprivileged_user()) {
    CHECK(::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) == 0);
  }
}

PostgresServer::PostgresServer(const std::string& settings, std::size_t disk_bytes)
    : port_(free_port()), disk_bytes_(disk_bytes) {
  own_directory();
  CHECK(disk_bytes == 0 || ::mkdir(small_disk().c_str(), 0700) == 0);
  run({program("initdb"),
       "-D",
       data_directory(),
       "-A",
       "trust",
       "-U",
       "postgres",
       "--no-sync",
       "--locale=C",
       "--encoding=UTF8"});
  run({"openssl",
       "req",
       "-x509",
       "-newkey",
       "ec",
       "-pkeyopt",
       "ec_paramgen_curve:P-256",
       "-nodes",
       "-days",
       "3650",
       "-subj",
       "/CN=localhost",
       "-addext",
       "subjectAltName=DNS:localhost,IP:127.0.0.1",
       "-keyout",
       directory_.file("server.key"),
       "-out",
       directory_.file("server.crt")});
  write_file(data_directory() + "/pg_hba.conf",
             "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
             "hostssl replication postgres 127.0.0.1/32 trust\n");
  // mmap: not every container lets this user write to /dev/shm.
  write_file(data_directory() + "/postgresql.conf",
             "dynamic_shared_memory_type = mmap\nlisten_addresses = '127.0.0.1'\nport = " +
                 std::to_string(port_) + "\nunix_socket_directories = '" + directory_.path() +
                 "'\nssl = on\nssl_cert_file = '" + directory_.file("server.crt") +
                 "'\nssl_key_file = '" + directory_.file("server.key") +
                 "'\nfsync = on\nrecovery_init_sync_method = syncfs\nshared_buffers = "
                 "16MB\nmax_connections = 40\n" +
                 settings + "\n");
  start();
  RawSession(by_socket("postgres"))
      .execute(std::string("CREATE ROLE vallum LOGIN PASSWORD '") + kPassword + "'");
}

PostgresServer::PostgresServer(Standby /*standby*/,
                               const PostgresServer& primary,
                               const std::string& name)
    : port_(free_port()), databases_(primary.databases_) {
  own_directory();
  const std::string from =
      "host=127.0.0.1 port=" + std::to_string(primary.port_) + " user=postgres sslmode=require";
  run({program("pg_basebackup"),
       "-d",
       from,
       "-D",
       data_directory(),
       "-X",
       "stream",
       "-c",
       "fast",
       "--no-sync"});
  // What stands later in the file counts.
  std::ofstream(data_directory() + "/postgresql.conf", std::ios::app)
      << "port = " << port_ << "\nunix_socket_directories = '" << directory_.path()
      << "'\nprimary_conninfo = '" << from << " application_name=" << name
      << "'\nwal_retrieve_retry_interval = 100ms\n";
  write_file(data_directory() + "/standby.signal", "");
  start();
}

std::unique_ptr<PostgresServer> PostgresServer::make_standby(const std::string& name) const {
  return std::unique_ptr<PostgresServer>(new PostgresServer(Standby::Yes, *this, name));
}

void PostgresServer::wait_for_standby(const std::string& name) {
  RawSession session(by_socket("postgres"));
  session.execute("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
  session.execute("SELECT pg_reload_conf()");
  session.wait_until("SELECT sync_state FROM pg_stat_replication", "sync");
}

void PostgresServer::catch_up_with(const PostgresServer& primary) {
  const auto position =
      RawSession(primary.by_socket("postgres")).ask("SELECT pg_current_wal_flush_lsn()");
  RawSession(by_socket("postgres"))
      .wait_until("SELECT pg_last_wal_replay_lsn() >= '" + position.front() + "'::pg_lsn", "t");
}

void PostgresServer::stop_following() {
  RawSession session(by_socket("postgres"));
  session.execute("ALTER SYSTEM SET primary_conninfo = ''");
  session.execute("SELECT pg_reload_conf()");
  session.wait_until("SELECT count(*) FROM pg_stat_wal_receiver", "0");
}

void PostgresServer::promote() {
  RawSession session(by_socket("postgres"));
  EXPECT_EQ(session.ask("SELECT pg_promote(true, 60)"), std::vector<std::string>{"t"});
}

PostgresServer::~PostgresServer() {
  kill();  // nothing of it is needed any more
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

std::string PostgresServer::create_database() {
  const std::string name = "test" + std::to_string(++databases_);
  RawSession(by_socket("postgres")).execute("CREATE DATABASE " + name + " OWNER vallum");
  return name;
}

std::string PostgresServer::by_socket(const std::string& database) const {
  return "host=" + directory_.path() + " port=" + std::to_string(port_) +
         " user=postgres dbname=" + database;
}

std::string PostgresServer::by_tcp(const std::string& database, const std::string& more) const {
  return std::string("postgres://vallum:") + kPassword + "@localhost:" + std::to_string(port_) +
         "/" + database +
         "?sslmode=verify-full&hostaddr=127.0.0.1&sslrootcert=" + root_certificate() + more;
}

std::string PostgresServer::by_tcp_with(const PostgresServer& other,
                                        const std::string& database) const {
  return std::string("postgres://vallum:") + kPassword + "@localhost:" + std::to_string(port_) +
         ",localhost:" + std::to_string(other.port_) + "/" + database +
         "?sslmode=verify-full&hostaddr=127.0.0.1,127.0.0.1&sslrootcert=" + root_certificate();
}

bool PostgresServer::can_have_small_disk() {
  const TempDirectory directory;
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    ::_exit(mount_small_disk(directory.path(), 1U << 20) ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

pid_t PostgresServer::spawn(const std::vector<std::string>& command, std::size_t disk_bytes) {
  const std::string log = directory_.file("log");
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    if (disk_bytes > 0 && !mount_small_disk(small_disk(), disk_bytes)) {
      ::_exit(125);
    }
    become(command, directory_.path(), log);
  }
  return child;
}

void PostgresServer::run(const std::vector<std::string>& command) {
  int status = 0;
  const pid_t child = spawn(command, 0);
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << command[0] << "\n" << read_file(directory_.file("log"));
}

void PostgresServer::start() {
  const std::string address = by_socket("postgres");
  for (int i = 0; i < 3000; ++i) {
    if (process_ < 0) {
      process_ = spawn({program("postgres"), "-D", data_directory()}, disk_bytes_);
    }
    if (PQping(address.c_str()) == PQPING_OK) {
      return;
    }
    // After a kill the children of the last one may still be about to go.
    if (::waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
    }
    pause_shortly();
  }
  FAIL() << "postgres does not start:\n" << read_file(directory_.file("log"));
}

void PostgresServer::kill() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
}

void PostgresServer::stop() {
  if (process_ > 0) {
    ::kill(process_, SIGINT);  // a fast shutdown
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
}

struct RawSession::Native {
  struct Finish {
    void operator()(PGconn* session) const { PQfinish(session); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGconn, Finish> connection;
};

RawSession::RawSession(const std::string& address) : native_(std::make_unique<Native>()) {
  native_->connection.reset(PQconnectdb(address.c_str()));
  EXPECT_EQ(PQstatus(native_->connection.get()), CONNECTION_OK)
      << PQerrorMessage(native_->connection.get());
}

RawSession::~RawSession() = default;

void RawSession::execute(const std::string& sql) {
  ask(sql);
}

std::vector<std::string> RawSession::ask(const std::string& sql) {
  const std::unique_ptr<PGresult, Native::Clear> result(
      PQexec(native_->connection.get(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
      << sql << ": " << PQresultErrorMessage(result.get());
  std::vector<std::string> values;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      values.emplace_back(PQgetvalue(result.get(), row, column));
    }
  }
  return values;
}

void RawSession::wait_until(const std::string& sql, const std::string& answer) {
  std::vector<std::string> last;
  for (int i = 0; i < 3000; ++i) {
    last = ask(sql);
    if (last.size() == 1 && last.front() == answer) {
      return;
    }
    pause_shortly();
  }
  ADD_FAILURE() << sql << ": is not " << answer << " but "
                << (last.empty() ? "nothing" : last.front());
}

}  // namespace vallum::testing
