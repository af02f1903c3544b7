#include "proxy/connection.h"

#include <utility>

#include "async/cancel.h"

namespace vallum::proxy {

using async::Ready;
using net::IoResult;

Connection::Connection(ServingCore& core,
                       std::unique_ptr<net::Stream> stream,
                       tls::Introduction client,
                       const async::Snapshot<tls::ServerContext>& context,
                       Answerer* answerer)
    : core_(core),
      planner_(core, std::move(client), context),
      answerer_(answerer),
      stream_(std::move(stream)),
      in_(core.blocks()),
      reader_(core.generation()->limits.request_head) {
  core_.metrics().connection_opened();
}

Connection::~Connection() {
  core_.metrics().connection_closed();
}

Task<void> Connection::run() {
  bool cut = false;
  while (!cut) {
    const bool comes = co_await await_request();
    if (!comes) {
      break;
    }
    std::unique_ptr<Exchange> x = core_.take_exchange();
    x->started = core_.core().now();
    const HeadRead read = co_await read_head(x.get());
    if (read == HeadRead::Closed) {
      core_.give_exchange(std::move(x));
      break;
    }
    begin(*x);
    if (read == HeadRead::Complete) {
      co_await serve(x.get());
    } else {
      if (read == HeadRead::TimedOut) {
        reply_error(*x, 408, "Request Timeout", "request_header_timeout");
      }
      x->keep_alive = false;
      co_await send_reply(x.get());
    }
    const bool again = x->keep_alive && x->body_finished && !x->cut;
    cut = x->cut;
    planner_.record_access(*x);
    core_.give_exchange(std::move(x));
    if (!again) {
      break;
    }
  }
  co_await finish(cut);
}

// Waits for the first byte of a request without holding memory for it; then it is in in_. Returns
// false when none comes.
Task<bool> Connection::await_request() {
  // No reference into the generation is held over the wait: a reload takes it away.
  const Duration idle = core_.generation()->limits.idle_timeout;
  const Deadline deadline =
      idle == Duration::zero() ? Deadline::never() : core_.core().deadline_in(idle);
  while (in_.empty()) {
    if (stream_->may_read()) {
      const IoResult result = stream_->try_read(in_.space(BlockPool::kBlockBytes));
      if (result.is_done()) {
        in_.produced(result.bytes);
        break;
      }
      if (result.status != IoResult::Status::WouldBlock) {
        co_return false;
      }
    }
    in_.release();
    const async::CancelCallback close_it(core_.drain_token(), [this] { stream_->close(); });
    const Ready ready = co_await stream_->readable(deadline);
    if (ready != Ready::Ready) {
      co_return false;
    }
  }
  co_return true;
}

// Reads one head, which has begun in in_, into x->head. Its bytes move to x->head_bytes; what
// follows stays in in_.
Task<Connection::HeadRead> Connection::read_head(Exchange* x) {
  const Limits& limits = x->generation->limits;
  const Deadline deadline = core_.core().deadline_in(limits.header_timeout);
  reader_.reset();
  while (true) {
    const http::HeadStep step = reader_.read_request(in_.text(), x->head);
    if (step.failed()) {
      const http::H1Refusal& refusal = http::describe(step.error);
      reply_error(*x, refusal.status, refusal.text, refusal.name);
      co_return HeadRead::Refused;
    }
    if (step.done()) {
      // The views of the head point into this buffer, so the exchange takes it as it is.
      const std::string_view rest = in_.text().substr(step.consumed);
      x->head_bytes.swap(in_);
      in_.append(rest);
      co_return HeadRead::Complete;
    }
    const IoResult result = stream_->try_read(in_.space(limits.request_head.head_bytes_max + 1));
    if (result.is_done()) {
      in_.produced(result.bytes);
      continue;
    }
    if (result.status != IoResult::Status::WouldBlock) {
      co_return HeadRead::Closed;
    }
    const Ready ready = co_await stream_->readable(deadline);
    if (ready != Ready::Ready) {
      co_return ready == Ready::TimedOut ? HeadRead::TimedOut : HeadRead::Closed;
    }
  }
}

void Connection::begin(Exchange& x) {
  planner_.begin(x);
  x.keep_alive = x.head.keep_alive;
  x.body_finished = x.head.framing.kind == http::BodyFraming::Kind::None;
  Planner::find_client(x, stream_->peer_address().ip);
}

Task<void> Connection::serve(Exchange* x) {
  if (answerer_ != nullptr) {
    co_await answerer_->answer(x);
  } else {
    co_await serve_proxied(x);
  }
  if (x->reply) {
    co_await send_reply(x);
  }
}

Task<void> Connection::serve_proxied(Exchange* x) {
  const Deadline deadline = core_.core().deadline_in(x->generation->limits.own_endpoint_timeout);
  const Step step = co_await planner_.settle(x, deadline);
  switch (step) {
    case Step::Forward: {
      if (!x->generation->settings->forwards) {
        reply_error(*x, 404, "Not Found", "not_forwarded_here");
        break;
      }
      policy::Permit permit = *std::exchange(x->check.permit, std::nullopt);
      co_await forward(x, std::move(permit));
      break;
    }
    case Step::AnswerOwn:
      co_await answer_own(x);
      break;
    case Step::StartLogin:
      co_await planner_.start_login(x, deadline);
      break;
    case Step::LoadIdentity:
    case Step::Replied:
      break;
  }
}

Task<void> Connection::finish(bool cut) {
  if (cut || stream_->is_closed()) {
    stream_->close();
    co_return;
  }
  const Limits& limits = core_.generation()->limits;
  const Deadline deadline = core_.core().deadline_in(limits.linger_timeout);
  co_await net::close_lingering(std::move(stream_), deadline, limits.linger_bytes_max);
}

}  // namespace vallum::proxy
