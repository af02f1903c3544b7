#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "async/sleep.h"
#include "async/task.h"
#include "http/syntax/h1.h"
#include "net/stream.h"
#include "proxy/answerer.h"
#include "proxy/buffer.h"
#include "proxy/exchange.h"
#include "proxy/planner.h"
#include "proxy/relay.h"
#include "proxy/serving_core.h"
#include "tls/tls_stream.h"
#include "upstream/pool.h"

namespace vallum::proxy {

// One connection of a client: reads requests one after the other, answers each before it reads the
// next, and ends when the peer, a limit or the drain says so. Lives on its core for as long as
// run() goes on.
class Connection {
 public:
  // `core` outlives the connection. The stream is ready for HTTP: a TLS handshake is over.
  // `client` is what it said of itself there, under the rules of `context`; both empty without TLS.
  // With an answerer, which outlives it as well, nothing is proxied.
  Connection(ServingCore& core,
             std::unique_ptr<net::Stream> stream,
             tls::Introduction client = {},
             const async::Snapshot<tls::ServerContext>& context = nullptr,
             Answerer* answerer = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Task<void> run();

 private:
  using Step = Planner::Step;
  enum class HeadRead : std::uint8_t { Complete, Refused, TimedOut, Closed };
  enum class Attempt : std::uint8_t { Finished, Stale };

  // connection.cc: the life of the connection.
  Task<bool> await_request();
  Task<HeadRead> read_head(Exchange* x);
  Task<void> serve(Exchange* x);
  Task<void> serve_proxied(Exchange* x);
  void begin(Exchange& x);
  Task<void> finish(bool cut);

  // local.cc: answers of our own.
  Task<void> answer_own(Exchange* x);
  Async<std::string> read_own_body(Exchange* x);
  void reply_error(Exchange& x,
                   std::uint16_t status,
                   std::string_view reason,
                   std::string_view details) {
    planner_.reply_error(x, status, reason, details);
  }
  Task<void> send_reply(Exchange* x);

  // forward.cc: requests that an application answers.
  Task<void> forward(Exchange* x, policy::Permit permit);
  Task<Attempt> attempt(Exchange* x, upstream::Lease* lease);
  Task<void> upload(Exchange* x, net::Stream* to, BodyRelay* body);
  enum class AnswerHead : std::uint8_t { Incomplete, Complete, Refused };
  struct AnswerReader {
    http::HeadReader head;
    int interim = 0;  // answers of 1xx so far
  };
  static AnswerHead take_answer_head(Exchange& x, AnswerReader& reader);
  Task<bool> read_answer_head(Exchange* x, net::Stream* from);
  void end_waiting(Exchange& x, bool is_over);
  void explain_no_answer(Exchange& x);
  Task<void> send_answer(Exchange* x, upstream::Lease* lease);
  Task<void> run_upgraded(Exchange* x, upstream::Lease* lease);
  class Upgraded;
  Task<void> watch_upgraded(Exchange* x, Upgraded* live);
  Task<bool> still_allowed(Exchange* x);
  async::Yield let_others_come_so_far();
  RelayLimits relay_limits(const Exchange& x) const;
  static Deadline latest_end(const Exchange& x);
  Deadline answer_end(const Exchange& x) const;
  void fail_upstream(Exchange& x, const Error& error);

  ServingCore& core_;
  Planner planner_;
  Answerer* answerer_;
  std::unique_ptr<net::Stream> stream_;
  // Bytes read and not yet used: the next head, or a body.
  Buffer in_;
  http::HeadReader reader_;
  // Of the exchange under way; later once its request is complete.
  Deadline exchange_end_ = Deadline::never();
  // Of the body that is being uploaded while the answer is awaited.
  RelayFault upload_fault_ = RelayFault::None;
};

}  // namespace vallum::proxy
