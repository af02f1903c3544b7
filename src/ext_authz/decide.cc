#include "ext_authz/decide.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "http/syntax/h1.h"
#include "http/syntax/normalize.h"
#include "proxy/https_redirect.h"
#include "proxy/message_heads.h"
#include "proxy/planner.h"

namespace vallum::ext_authz {

namespace {

using proxy::Exchange;
using proxy::Planner;

// An exchange for the time of one decision.
class LentExchange {
 public:
  explicit LentExchange(proxy::ServingCore& core) : core_(core), exchange_(core.take_exchange()) {}
  LentExchange(const LentExchange&) = delete;
  LentExchange& operator=(const LentExchange&) = delete;
  ~LentExchange() { core_.give_exchange(std::move(exchange_)); }

  Exchange& operator*() const { return *exchange_; }

 private:
  proxy::ServingCore& core_;
  std::unique_ptr<Exchange> exchange_;
};

// One decision. Lives in the frame of decide().
class Decision {
 public:
  Decision(proxy::ServingCore& core, const Question& question)
      : core_(core), question_(question), planner_(core), lent_(core) {}

  Task<Answer> run(Deadline deadline);

 private:
  bool read_question(Exchange& x);
  bool refuse_form(Exchange& x);
  Task<void> settle(Exchange* x, Deadline deadline);
  Task<void> answer_own(Exchange* x, Deadline deadline);
  Task<void> grant(Exchange* x, policy::Permit permit, Deadline deadline);

  proxy::ServingCore& core_;
  const Question& question_;
  Planner planner_;
  LentExchange lent_;
  std::optional<Grant> grant_;
};

// Fills the exchange as a connection does that read this head. Returns false after a reply.
bool Decision::read_question(Exchange& x) {
  x.started = core_.core().now();
  const Result<std::string> head = head_of(question_);
  if (!head) {
    planner_.reply_error(x, 400, head.error().message(), "question_malformed");
    return false;
  }
  x.head_bytes.append(*head);
  const http::HeadStep step =
      http::parse_request_head(x.head_bytes.text(), x.generation->limits.request_head, x.head);
  if (step.done()) {
    return true;
  }
  const http::H1Refusal& refusal = http::describe(step.error);
  planner_.reply_error(x, refusal.status, refusal.text, refusal.name);
  return false;
}

// As the listener for http does. The port of https is not known; it is the usual one.
http::Response to_https(const Exchange& x) {
  http::Request request;
  request.method = x.head.method;
  request.authority = x.head.authority;
  request.path = std::string(x.head.path_and_query);
  constexpr std::uint16_t kHttpsPort = 443;
  return proxy::redirect_to_https(request, kHttpsPort);
}

// What we would put right on the way to the application, and the asking proxy will not: the
// application would get something else than what was decided about. Returns whether it was refused.
bool Decision::refuse_form(Exchange& x) {
  std::string scratch;
  const auto target =
      http::normalize_target(x.head.path_and_query, x.generation->normalize, scratch);
  if (!target) {
    return false;  // the planner says so, too
  }
  if (target->text != x.head.path_and_query) {
    planner_.reply_error(x, 400, "the path is not in its normal form", "path_not_normal");
    return true;
  }
  std::string without;
  proxy::append_query_without_session(without, target->query);
  if (without != target->query) {
    planner_.reply_error(
        x, 400, "send the session in a header, not in the query", "session_in_query");
    return true;
  }
  return false;
}

// Own endpoints are for browsers that reach us. Through another proxy only those work that need no
// body.
Task<void> Decision::answer_own(Exchange* x, Deadline deadline) {
  const bool is_read = x->head.method == http::Method::Get || x->head.method == http::Method::Head;
  if (!is_read) {
    planner_.reply_error(*x, 405, "Method Not Allowed", "own_endpoint_elsewhere");
    co_return;
  }
  co_await planner_.answer_own(x, {}, deadline);
}

// Invariant 1 holds here as it does for our own forwarding: what lets the request go on is made of
// a permit for this very exchange, and its record is with the sink before.
Task<void> Decision::grant(Exchange* x, policy::Permit permit, Deadline deadline) {
  CHECK(permit.redeem(x->terms()));
  const bool prepared = co_await planner_.prepare_upstream_request(x, deadline);
  if (!prepared) {
    co_return;
  }
  if (!planner_.record_decision(*x)) {
    planner_.reply_error(*x, 503, "Service Unavailable", "decision_not_recorded");
    co_return;
  }
  Grant made{
      .changes = changes_between(question_.fields, x->out), .cookie = {}, .authorization = {}};
  for (const Question::Field& field : fields_of(x->out)) {
    if (iequals(field.name, "cookie")) {
      made.cookie = field.value;
    } else if (iequals(field.name, "authorization")) {
      made.authorization = field.value;
    }
  }
  grant_ = std::move(made);
}

Task<void> Decision::settle(Exchange* x, Deadline deadline) {
  const Planner::Step step = co_await planner_.settle(x, deadline);
  switch (step) {
    case Planner::Step::Forward: {
      policy::Permit permit = *std::exchange(x->check.permit, std::nullopt);
      co_await grant(x, std::move(permit), deadline);
      break;
    }
    case Planner::Step::AnswerOwn:
      co_await answer_own(x, deadline);
      break;
    case Planner::Step::StartLogin:
      co_await planner_.start_login(x, deadline);
      break;
    case Planner::Step::LoadIdentity:
    case Planner::Step::Replied:
      break;
  }
}

Task<Answer> Decision::run(Deadline deadline) {
  Exchange& x = *lent_;
  planner_.begin(x);
  x.client_ip = question_.client_ip;
  x.peer_text = question_.client_ip ? question_.client_ip->text() : std::string();
  if (read_question(x)) {
    if (question_.scheme == http::Scheme::Http) {
      x.reply = to_https(x);
    } else if (!refuse_form(x)) {
      co_await settle(&x, deadline);
    }
  }
  if (grant_) {
    co_return Answer{.request_id = x.request_id, .verdict = *std::move(grant_)};
  }
  if (!x.reply) {
    planner_.reply_error(x, 503, "Service Unavailable", "not_decided");
  }
  Denial denial{.response = *std::exchange(x.reply, std::nullopt)};
  Planner::add_configured_headers(x, denial.response);
  co_return Answer{.request_id = x.request_id, .verdict = std::move(denial)};
}

}  // namespace

Task<Answer> decide(proxy::ServingCore* core, const Question* question, Deadline deadline) {
  Decision decision(*core, *question);
  co_return co_await decision.run(deadline);
}

}  // namespace vallum::ext_authz
