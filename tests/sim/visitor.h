#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "net/stream.h"
#include "sim/dice.h"
#include "sim/ledger.h"
#include "sim/plan.h"
#include "support/deployment/cookie_jar.h"

namespace vallum::testing {

// An answer as a client that checks everything got it.
struct Reply {
  int status = 0;
  Head head;
  std::string body;
};

// One connection of a client that takes nothing for granted: whatever fails is a value.
class Wire {
 public:
  // Null when nobody listens.
  static std::unique_ptr<Wire> connect(SimWorld& world);
  explicit Wire(std::unique_ptr<net::Stream> stream) : stream_(std::move(stream)) {}

  // Fails when the connection is no more.
  Async<void> send(std::string bytes);
  // The next final answer. DeadlineExceeded: neither an answer nor an end came within a time that
  // no limit of the proxy allows.
  Async<Reply> read_reply();
  // Reads one piece of what comes; fails with DeadlineExceeded or at the end.
  Async<void> read_more(Deadline deadline);
  void close() { stream_->close(); }
  net::Stream& stream() { return *stream_; }

 private:
  Async<std::string> take_line();
  Async<std::string> take(std::size_t bytes);
  Async<std::string> read_body(Head head);

  static constexpr std::size_t kPieceBytes = 16UL * 1024;

  std::unique_ptr<net::Stream> stream_;
  std::string received_;
  Bytes piece_;
};

// A person or program outside that does what its plan says, one thing after the other, and tells
// the ledger what it sends and what it gets.
class Visitor {
 public:
  // Both outlive the visitor.
  Visitor(Deployment& deployment, Ledger& ledger, Plan::Visitor plan, std::uint64_t seed);
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  Task<void> run();
  std::size_t replies() const { return replies_; }

 private:
  // A request that is entered in the ledger, and its bytes.
  struct Message {
    std::size_t number = 0;
    std::string bytes;
  };

  Task<void> act(Action action);
  Task<void> sign_in();
  Task<void> get();
  Task<void> post();
  Task<void> pipeline();
  Task<void> send_half_a_head();
  Task<void> send_malformed_head();
  Task<void> open_websocket();
  Task<void> stay(Wire* wire, std::size_t number, std::string session);
  Task<void> sign_out();
  Task<void> vanish();
  Task<void> idle();

  std::string choose_host();
  Message get_of(const std::string& host);
  Message post_of(const std::string& host);
  // Something that looks like a request but must never be taken for one.
  std::string hidden_request();
  // Cookie and other lines that a client of that host sends, with everything that must be stripped.
  std::string client_lines(std::size_t number, const std::string& host, std::string* query);
  std::string session_for(const std::string& host);
  void note_cookies(const std::string& host, const Head& head);
  // Reads the answer on a connection, and compares it if it is the application's. Returns whether
  // there was one.
  Task<bool> expect_reply(Wire* wire, std::size_t number, int* status);
  void note_failure(std::size_t number, const Error& error);
  async::Core& core() { return deployment_.world().outside(); }

  Deployment& deployment_;
  Ledger& ledger_;
  Plan::Visitor plan_;
  Dice dice_;
  CookieJar jar_;
  session::HandleCodec handles_;
  std::size_t replies_ = 0;
};

}  // namespace vallum::testing
