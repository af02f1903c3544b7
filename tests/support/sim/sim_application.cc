#include "support/sim/sim_application.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "async/sleep.h"
#include "base/strings.h"
#include "support/sim/scripted_client.h"

namespace vallum::testing {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLineEnd = "\r\n";

Head parse_head(const std::string& text) {
  const std::size_t line = text.find(kLineEnd);
  return {.start_line = text.substr(0, line), .fields = text.substr(line + kLineEnd.size())};
}

}  // namespace

SimApplication::SimApplication(SimWorld& world, net::SocketAddress address)
    : world_(world),
      address_(address),
      listener_(*world.outside_network().listen(address, {})),
      answer_([](const Request&) {
        return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      }),
      scope_(world.outside()) {
  scope_.spawn(accept_all());
}

Task<void> SimApplication::accept_all() {
  for (;;) {
    Result<std::unique_ptr<net::Stream>> stream = co_await listener_->accept();
    if (!stream) {
      co_return;
    }
    ++connections_seen_;
    scope_.spawn(serve(*std::move(stream)));
  }
}

Task<void> SimApplication::serve(std::unique_ptr<net::Stream> stream) {
  std::string buffered;
  for (;;) {
    const Result<bool> goes_on = co_await serve_one(stream.get(), &buffered);
    if (!goes_on || !*goes_on) {
      co_return;
    }
  }
}

Async<bool> SimApplication::serve_one(net::Stream* stream, std::string* buffered) {
  Request request;
  CO_TRY(request.head, co_await read_line_block(stream, buffered));
  if (on_head) {
    on_head(request.head);
  }
  CO_TRY(request.body, co_await read_body(stream, buffered, request.head));
  requests_.push_back(request);
  std::string answer = answer_(request);
  const bool closes = closes_silently || close_after_answer_bytes != std::string::npos;
  answer.resize(std::min(answer.size(), close_after_answer_bytes));
  CO_TRY_OK(co_await write_answer(stream, std::move(answer), think_time));
  co_return !closes;
}

Async<void> SimApplication::read_more(net::Stream* stream, std::string* buffered) {
  Bytes piece(4UL * 1024);
  CO_TRY(const std::size_t count, co_await net::read_some(stream, piece, Deadline::never()));
  if (count == 0) {
    co_return fail(ErrorKind::Cancelled, "the client ended the connection");
  }
  const std::string_view text = as_text(ByteView(piece).first(count));
  buffered->append(text);
  received_.append(text);
  co_return {};
}

Async<std::string> SimApplication::read_line_block(net::Stream* stream, std::string* buffered) {
  std::size_t end = buffered->find(kHeadEnd);
  while (end == std::string::npos) {
    CO_TRY_OK(co_await read_more(stream, buffered));
    end = buffered->find(kHeadEnd);
  }
  std::string block = buffered->substr(0, end + kHeadEnd.size());
  buffered->erase(0, block.size());
  co_return block;
}

Async<std::string> SimApplication::read_bytes(net::Stream* stream,
                                              std::string* buffered,
                                              std::size_t count) {
  while (buffered->size() < count) {
    CO_TRY_OK(co_await read_more(stream, buffered));
  }
  std::string bytes = buffered->substr(0, count);
  buffered->erase(0, count);
  co_return bytes;
}

Async<std::string> SimApplication::read_body(net::Stream* stream,
                                             std::string* buffered,
                                             std::string head_text) {
  const Head head = parse_head(head_text);
  if (const auto length = head.field("content-length")) {
    co_return co_await read_bytes(stream, buffered, parse_u64(*length).value_or(0));
  }
  std::string body;
  if (!head.field("transfer-encoding")) {
    co_return body;
  }
  for (;;) {
    std::size_t line_end = buffered->find(kLineEnd);
    while (line_end == std::string::npos) {
      CO_TRY_OK(co_await read_more(stream, buffered));
      line_end = buffered->find(kLineEnd);
    }
    std::size_t size = 0;
    std::from_chars(buffered->data(), buffered->data() + line_end, size, 16);
    buffered->erase(0, line_end + kLineEnd.size());
    CO_TRY(const std::string chunk, co_await read_bytes(stream, buffered, size + kLineEnd.size()));
    if (size == 0) {
      co_return body;
    }
    body.append(chunk, 0, size);
  }
}

Async<void> SimApplication::write_answer(net::Stream* stream, std::string answer, Duration pause) {
  co_await async::sleep_for(world_.outside(), pause);
  const std::size_t half = pause > Duration::zero() ? answer.size() / 2 : 0;
  const ByteView bytes = as_bytes(answer);
  if (half > 0) {
    CO_TRY_OK(co_await net::write_all(stream, bytes.first(half), Deadline::never()));
    co_await async::sleep_for(world_.outside(), pause);
  }
  co_return co_await net::write_all(stream, bytes.subspan(half), Deadline::never());
}

}  // namespace vallum::testing
