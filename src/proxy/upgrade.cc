#include <utility>

#include "async/event.h"
#include "async/scope.h"
#include "http/syntax/normalize.h"
#include "proxy/connection.h"

namespace vallum::proxy {

namespace {

// How often a live stream is asked about even when nothing is known to have changed: time passes,
// and some rules are about time.
constexpr Duration kCheckAgainAfter = std::chrono::seconds(60);
constexpr int kLoadsMax = 3;

Task<void> copy_direction(RelayScratch* scratch,
                          net::Stream* from,
                          Buffer* buffered,
                          net::Stream* to,
                          RelayLimits limits) {
  const RelayFault fault = co_await copy_until_end(scratch, from, buffered, to, limits);
  if (fault != RelayFault::None) {
    // One side is gone: the other has nobody to talk to.
    from->close();
    to->close();
  }
}

}  // namespace

// The two directions of an upgraded connection, and whether they may go on.
class Connection::Upgraded final : public LiveStream {
 public:
  struct Parts {
    ServingCore& core;
    policy::SessionTag session;
    net::Stream& client;
    net::Stream& upstream;
  };
  explicit Upgraded(const Parts& parts) : parts_(parts), asked_(parts.core.core()) {
    parts_.core.live_streams().add(*this);
    parts_.core.metrics().live_streams(1);
    // What changed while the upstream made up its mind was told to nobody.
    asked_.set();
  }
  ~Upgraded() { parts_.core.metrics().live_streams(-1); }

  void check_again() override { asked_.set(); }
  policy::SessionTag session() const override { return parts_.session; }

  async::Event& asked() { return asked_; }
  void revoke() {
    parts_.core.metrics().live_stream_revoked();
    revoked_ = true;
    parts_.client.close();
    parts_.upstream.close();
  }
  bool was_revoked() const { return revoked_; }

 private:
  Parts parts_;
  async::Event asked_;
  bool revoked_ = false;
};

// Decides anew, as if the request came now: with the session as it is, under the present
// configuration.
Task<bool> Connection::still_allowed(Exchange* x) {
  const async::Snapshot<Generation> generation = core_.generation();
  if (!planner_.is_admitted(*x, *generation->settings)) {
    x->check.outcome = policy::Outcome::CertificateRequired;
    co_return false;
  }
  const std::optional<route::RouteIndex> route =
      generation->table.find_route(x->head.authority, x->target.path, x->head.method);
  if (!route) {
    co_return false;
  }
  std::string scratch;
  const authorize::Question question{
      .head = x->head,
      .query = x->target.query,
      .path = http::decode_path(x->target.path, scratch),
      .client_ip = x->client_ip,
      .certificate = planner_.certificate(),
      .route = generation->routes[*route].settings,
      .terms = {.exchange = x->id, .generation = generation->id, .route = {}, .session = {}}};
  authorize::Check check;
  core_.authorizer().check(question, check);
  for (int loads = 0; check.state == authorize::Check::State::NeedsIdentity; ++loads) {
    const Deadline deadline = core_.core().deadline_in(x->generation->limits.own_endpoint_timeout);
    const Result<void> loaded = co_await core_.authorizer().load(&check, deadline);
    if (!loaded || loads >= kLoadsMax) {
      // Nobody knows right now: what was allowed goes on until somebody does, or nobody has known
      // for too long.
      co_return !core_.authorizer().is_stale();
    }
    core_.authorizer().check(question, check);
  }
  const bool allowed = check.state == authorize::Check::State::Decided &&
                       check.outcome == policy::Outcome::Allowed &&
                       check.session == x->check.session;
  if (!allowed) {
    x->check.decision = check.decision;
    x->check.outcome = check.outcome;
    x->check.certificate_fault = check.certificate_fault;
    x->check.state = check.state;
    x->check.token_refusal = check.token_refusal;
  }
  co_return allowed;
}

Task<void> Connection::watch_upgraded(Exchange* x, Upgraded* live) {
  while (true) {
    co_await live->asked().wait(core_.core().deadline_in(kCheckAgainAfter));
    live->asked().reset();
    const bool allowed = co_await still_allowed(x);
    if (!allowed) {
      planner_.record_decision(*x);
      live->revoke();
      co_return;
    }
  }
}

// Answers 101 and copies bytes both ways until both sides have ended.
Task<void> Connection::run_upgraded(Exchange* x, upstream::Lease* lease) {
  net::Stream* const to = &lease->stream();
  x->keep_alive = false;
  x->status = 101;
  x->ending = Ending::Upgraded;
  x->details = "via_upstream";
  x->out.clear();
  append_client_response(x->out,
                         {.upstream = x->answer,
                          .rules = x->route->forward,
                          .settings = x->generation->forward,
                          .request_id = x->request_id.view(),
                          .framing = http::BodyFraming::none(),
                          .method = x->head.method,
                          .keep_alive = true,
                          .upgrade = x->answer.upgrade,
                          .date = core_.http_date()});
  x->upstream_bytes.consume(x->answer_head_bytes);
  const RelayLimits limits{.end = latest_end(*x), .idle = x->route->forward.idle_timeout};
  const Result<void> told =
      co_await net::write_all(stream_.get(), as_bytes(x->out), limits.next(core_.core()));
  if (!told) {
    x->cut = true;
    co_return;
  }
  Upgraded live({.core = core_, .session = x->check.session, .client = *stream_, .upstream = *to});
  async::Scope watching(core_.core());
  watching.spawn(watch_upgraded(x, &live));
  async::Scope upwards(core_.core());
  upwards.spawn(copy_direction(&core_.scratch(), stream_.get(), &in_, to, limits));
  RelayLimits to_client = limits;
  to_client.sink_may_leave = true;
  co_await copy_direction(&core_.scratch(), to, &x->upstream_bytes, stream_.get(), to_client);
  co_await upwards.drain(Deadline::never());
  if (live.was_revoked()) {
    x->details = "authorize_recheck";
    x->cut = true;
  }
}

}  // namespace vallum::proxy
