#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "async/sleep.h"
#include "async/task.h"
#include "authorize/client_certificate.h"
#include "http/message.h"
#include "http/syntax/h1.h"
#include "net/stream.h"
#include "proxy/buffer.h"
#include "proxy/exchange.h"
#include "proxy/relay.h"
#include "proxy/serving_core.h"
#include "telemetry/record_subject.h"
#include "tls/tls_stream.h"
#include "upstream/pool.h"

namespace vallum::pages {
struct Audience;
struct Refusal;
}  // namespace vallum::pages

namespace vallum::proxy {

// One connection of a client: reads requests one after the other, answers each before it reads the
// next, and ends when the peer, a limit or the drain says so. Lives on its core for as long as
// run() goes on.
class Connection {
 public:
  // `core` outlives the connection. The stream is ready for HTTP: a TLS handshake is over.
  // `client` is what it said of itself there, under the rules of `context`; both empty without TLS.
  Connection(ServingCore& core,
             std::unique_ptr<net::Stream> stream,
             tls::Introduction client = {},
             async::Snapshot<tls::ServerContext> context = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Task<void> run();

 private:
  // What is to be done with a request.
  enum class Step : std::uint8_t {
    LoadIdentity,
    Forward,
    AnswerOwn,
    StartLogin,
    Replied,  // a local answer is in reply_
  };
  enum class HeadRead : std::uint8_t { Complete, Refused, TimedOut, Closed };
  enum class Attempt : std::uint8_t { Finished, Stale };

  // connection.cc: the life of the connection.
  Task<bool> await_request();
  Task<HeadRead> read_head(Exchange* x);
  Task<void> serve(Exchange* x);
  void begin(Exchange& x);
  Task<void> finish(bool cut);

  // plan.cc: what a request gets.
  Step plan(Exchange& x);
  Step decide(Exchange& x);
  Step deny(Exchange& x);
  void find_client(Exchange& x);
  bool follows_redirects(const Exchange& x) const;
  pages::Refusal refusal_of(const Exchange& x) const;
  http::Request owned_request(const Exchange& x, std::string body) const;

  // client_certificate.cc: what the handshake said, held against the present request.
  bool refuse_client(Exchange& x);
  bool asked_for_others(const Exchange& x);
  bool is_admitted(Exchange& x, const config::Settings& settings);
  bool is_misdirected(const Exchange& x) const;
  telemetry::RecordCertificate certificate_record(const Exchange& x) const;

  // local.cc: answers of our own.
  static pages::Audience audience_of(const Exchange& x);
  Task<void> answer_own(Exchange* x);
  void reply_assertion(Exchange& x);
  Task<void> start_login(Exchange* x);
  Async<std::string> read_own_body(Exchange* x);
  void reply_error(Exchange& x,
                   std::uint16_t status,
                   std::string_view reason,
                   std::string_view details);
  void reply_refusal(Exchange& x, const pages::Refusal& refusal);
  Task<void> send_reply(Exchange* x);

  // forward.cc: requests that an application answers.
  Task<void> forward(Exchange* x, policy::Permit permit);
  bool prepare_upstream_request(Exchange& x, std::string_view serverless_token);
  Task<std::string> serverless_token(const Exchange* x);
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
  static bool upgrade_is_allowed(const Exchange& x);
  HeaderFacts header_facts(const Exchange& x, std::string_view assertion) const;
  async::Yield let_others_come_so_far();
  RelayLimits relay_limits(const Exchange& x) const;
  static Deadline latest_end(const Exchange& x);
  Deadline answer_end(const Exchange& x) const;
  void fail_upstream(Exchange& x, const Error& error);

  // record.cc: what is written down.
  bool record_decision(Exchange& x);
  void record_access(Exchange& x);

  ServingCore& core_;
  std::unique_ptr<net::Stream> stream_;
  // That the client asked for in the handshake, in lower case; "" without.
  std::string server_name_;
  // Null: the client showed none.
  std::unique_ptr<const authorize::ClientCertificate> certificate_;
  // Whose certificates the handshake asked for; null: nobody's.
  async::Snapshot<crypto::ClientAuthorities> asked_;
  // Bytes read and not yet used: the next head, or a body.
  Buffer in_;
  http::HeadReader reader_;
  std::optional<http::Response> reply_;
  // Of the exchange under way; later once its request is complete.
  Deadline exchange_end_ = Deadline::never();
  // Of the body that is being uploaded while the answer is awaited.
  RelayFault upload_fault_ = RelayFault::None;
};

}  // namespace vallum::proxy
