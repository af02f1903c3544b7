#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "authorize/client_certificate.h"
#include "base/time.h"
#include "http/message.h"
#include "proxy/exchange.h"
#include "proxy/message_heads.h"
#include "proxy/serving_core.h"
#include "telemetry/record_subject.h"
#include "tls/tls_stream.h"

namespace vallum::pages {
struct Audience;
struct Refusal;
}  // namespace vallum::pages

namespace vallum::proxy {

// What a request gets, up to the point where an application would answer: the one way to a
// decision, whether the request came over a connection of ours or another proxy asks about it.
// Answers of our own are left in the exchange's `reply`. One per connection; holds nothing of a
// request. Home core only.
//
//   planner.begin(x); planner.find_client(x, peer);
//   switch (co_await planner.settle(&x, deadline)) ...
class Planner {
 public:
  // What is to be done with a request.
  enum class Step : std::uint8_t {
    LoadIdentity,
    Forward,     // there is a permit in x.check
    AnswerOwn,   // answer_own()
    StartLogin,  // start_login()
    Replied,     // a local answer is in x.reply
  };

  // `core` outlives the planner. `client` is what the client said of itself in its handshake, under
  // the rules of `context`; both empty when there was none with us.
  explicit Planner(ServingCore& core,
                   tls::Introduction client = {},
                   const async::Snapshot<tls::ServerContext>& context = nullptr);

  // Gives an exchange whose head is read its ids and times.
  void begin(Exchange& x);
  // Who asks: the peer, or whom it says after xff_num_trusted_hops.
  static void find_client(Exchange& x, const IpAddress& peer);

  // plan.cc: brings the request into its one form, finds its route and decides. Never returns
  // LoadIdentity.
  Task<Step> settle(Exchange* x, Deadline deadline);
  // Writes the head that the application is to get into x->out. Returns false when a local answer
  // was made instead. Requires Step::Forward. The deadline is for asking others about what goes
  // into the head.
  Task<bool> prepare_upstream_request(Exchange* x, Deadline deadline);

  // reply.cc: answers of our own.
  Task<void> answer_own(Exchange* x, std::string body, Deadline deadline);
  Task<void> start_login(Exchange* x, Deadline deadline);
  void reply_error(Exchange& x,
                   std::uint16_t status,
                   std::string_view reason,
                   std::string_view details);
  // What the configuration wants on every answer of ours, where the answer does not say otherwise.
  static void add_configured_headers(const Exchange& x, http::Response& response);

  // record.cc: what is written down.
  bool record_decision(Exchange& x);
  void record_access(Exchange& x);

  // client_certificate.cc: whether the settings let a connection with this certificate, or without
  // one, be served at all.
  bool is_admitted(Exchange& x, const config::Settings& settings);
  // Null: the client showed none.
  const authorize::ClientCertificate* certificate() const { return certificate_.get(); }

 private:
  Step plan(Exchange& x);
  Step decide(Exchange& x);
  Step deny(Exchange& x);
  Step refuse_token(Exchange& x);
  authorize::Question question_of(const Exchange& x) const;
  static bool follows_redirects(const Exchange& x);
  static pages::Refusal refusal_of(const Exchange& x);
  static bool upgrade_is_allowed(const Exchange& x);
  HeaderFacts header_facts(const Exchange& x, std::string_view assertion) const;
  static http::Request owned_request(const Exchange& x, std::string body);
  class Details;
  static pages::Audience audience_of(const Exchange& x);
  void reply_refusal(Exchange& x, const pages::Refusal& refusal);
  void reply_assertion(Exchange& x);

  // client_certificate.cc: what the handshake said, held against the present request.
  bool refuse_client(Exchange& x);
  bool asked_for_others(const Exchange& x);
  bool is_misdirected(const Exchange& x) const;
  telemetry::RecordCertificate certificate_record(const Exchange& x) const;

  ServingCore& core_;
  // That the client asked for in the handshake, in lower case; "" without.
  std::string server_name_;
  std::unique_ptr<const authorize::ClientCertificate> certificate_;
  // Whose certificates the handshake asked for; null: nobody's.
  async::Snapshot<crypto::ClientAuthorities> asked_;
};

}  // namespace vallum::proxy
