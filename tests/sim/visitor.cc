#include "sim/visitor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "async/sleep.h"
#include "base/strings.h"
#include "codec/percent.h"
#include "support/deployment/browser.h"

namespace vallum::testing {

using namespace std::chrono_literals;

namespace {

// Longer than any limit of the proxy: idle connections and streams end after five minutes, and one
// answer may wait for several of these.
constexpr Duration kPatience = 20min;

std::string chunked(const std::string& body, Dice& dice) {
  std::string out;
  std::size_t at = 0;
  while (at < body.size()) {
    const std::size_t size = std::min(body.size() - at, 1 + dice.roll(4000));
    std::array<char, 16> digits{};
    auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    out.append(digits.data(), end).append("\r\n").append(body, at, size).append("\r\n");
    at += size;
  }
  return out + "0\r\n";
}

}  // namespace

std::unique_ptr<Wire> Wire::connect(SimWorld& world) {
  Result<std::unique_ptr<net::Stream>> stream =
      world.wires().establish(world.outside(), Deployment::front());
  return stream ? std::make_unique<Wire>(*std::move(stream)) : nullptr;
}

Async<void> Wire::send(std::string bytes) {
  co_return co_await net::write_all(
      stream_.get(), as_bytes(bytes), stream_->core().deadline_in(kPatience));
}

Async<void> Wire::read_more(Deadline deadline) {
  piece_.resize(kPieceBytes);
  CO_TRY(const std::size_t count, co_await net::read_some(stream_.get(), piece_, deadline));
  if (count == 0) {
    co_return fail(ErrorKind::Cancelled, "the connection ended");
  }
  received_.append(as_text(ByteView(piece_).first(count)));
  co_return {};
}

Async<std::string> Wire::take(std::size_t bytes) {
  while (received_.size() < bytes) {
    CO_TRY_OK(co_await read_more(stream_->core().deadline_in(kPatience)));
  }
  std::string taken = received_.substr(0, bytes);
  received_.erase(0, bytes);
  co_return taken;
}

Async<std::string> Wire::take_line() {
  std::size_t end = received_.find("\r\n");
  while (end == std::string::npos) {
    CO_TRY_OK(co_await read_more(stream_->core().deadline_in(kPatience)));
    end = received_.find("\r\n");
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 2);
  co_return line;
}

Async<std::string> Wire::read_body(Head head) {
  if (const auto length = head.field("content-length")) {
    co_return co_await take(parse_u64(*length).value_or(0));
  }
  std::string body;
  if (!head.field("transfer-encoding")) {
    co_return body;
  }
  for (;;) {
    CO_TRY(const std::string line, co_await take_line());
    std::size_t size = 0;
    std::from_chars(line.data(), line.data() + line.size(), size, 16);
    CO_TRY(const std::string chunk, co_await take(size + 2));
    if (size == 0) {
      co_return body;
    }
    body.append(chunk, 0, size);
  }
}

Async<Reply> Wire::read_reply() {
  Reply reply;
  do {
    CO_TRY(reply.head.start_line, co_await take_line());
    reply.head.fields.clear();
    for (;;) {
      CO_TRY(const std::string line, co_await take_line());
      if (line.empty()) {
        break;
      }
      reply.head.fields.append(line).append("\r\n");
    }
    const std::string& line = reply.head.start_line;
    reply.status =
        line.size() < 12 ? 0 : static_cast<int>(parse_u64(line.substr(9, 3)).value_or(0));
  } while (reply.status == 100);
  if (reply.status != 101) {
    CO_TRY(reply.body, co_await read_body(reply.head));
  }
  co_return reply;
}

Visitor::Visitor(Deployment& deployment, Ledger& ledger, Plan::Visitor plan, std::uint64_t seed)
    : deployment_(deployment),
      ledger_(ledger),
      plan_(std::move(plan)),
      dice_(seed),
      handles_(deployment.shared_key()) {
  for (const char* host : {"app.example", "admin.example", "public.example"}) {
    const std::string value = "theme-of-" + std::to_string(seed) + "-" + host;
    jar_.set(host, "theme", value);
    ledger_.secret(value);
  }
}

Task<void> Visitor::run() {
  for (const Action action : plan_.actions) {
    co_await async::sleep_for(core(), dice_.up_to(3s));
    co_await act(action);
  }
}

Task<void> Visitor::act(Action action) {
  switch (action) {
    case Action::SignIn:
      return sign_in();
    case Action::Get:
      return get();
    case Action::Post:
      return post();
    case Action::Pipeline:
      return pipeline();
    case Action::HalfAHead:
      return send_half_a_head();
    case Action::MalformedHead:
      return send_malformed_head();
    case Action::WebSocket:
      return open_websocket();
    case Action::SignOut:
      return sign_out();
    case Action::Vanish:
      return vanish();
    case Action::Idle:
      break;
  }
  return idle();
}

std::string Visitor::choose_host() {
  // Rather where something may be forwarded.
  return jar_.value("app.example", "_pomerium").empty()
             ? dice_.pick({"public.example", "public.example", "app.example", "admin.example"})
             : dice_.pick({"app.example",
                           "app.example",
                           "app.example",
                           "admin.example",
                           "public.example"});
}

// The session that the jar's handle for a host names, "" for none.
std::string Visitor::session_for(const std::string& host) {
  const Result<session::Handle> handle = handles_.verify(jar_.value(host, "_pomerium"));
  return handle ? handle->session_id : "";
}

void Visitor::note_cookies(const std::string& host, const Head& head) {
  jar_.keep(host, head);
  for (const auto& [at, cookies] : jar_.hosts()) {
    for (const auto& [name, value] : cookies) {
      if (name.starts_with("_pomerium")) {
        ledger_.credential(value);
      }
    }
  }
  const std::string session = session_for(host);
  if (!session.empty()) {
    ledger_.session_began(session, plan_.subject);
  }
}

std::string Visitor::client_lines(std::size_t number, const std::string& host, std::string* query) {
  const std::string id = std::to_string(number);
  const std::string handle = jar_.value(host, "_pomerium");
  const std::string theme = "Cookie: theme=" + jar_.value(host, "theme") + "\r\n";
  std::string lines;
  // The session travels in each of the forms that we take, never in two.
  const std::size_t form = handle.empty() ? 0 : dice_.roll(8);
  if (form == 1) {
    lines = theme + "X-Pomerium-Authorization: " + handle + "\r\n";
  } else if (form == 2) {
    lines = theme + "Authorization: Pomerium " + handle + "\r\n";
  } else if (form == 3) {
    lines = theme + "authorization: Bearer Pomerium-" + handle + "\r\n";
  } else if (form == 4) {
    lines = theme;
    *query += "&pomerium_session=" + codec::form_encode(handle);
  } else {
    lines = jar_.header(host) + "Authorization: Bearer application-secret-" + id + "-\r\n";
    ledger_.secret("application-secret-" + id + "-");
  }
  const std::string spoofed = "spoofed-" + id + "-";
  ledger_.spoofed(spoofed);
  for (const char* name : {"X-Pomerium-Claim-Email",
                           "x-pomerium-jwt-assertion",
                           "X-Pomerium-Claim-Groups",
                           "X-POMERIUM-IMPERSONATE-EMAIL",
                           "X-Envoy-Original-Path",
                           "Impersonate-User"}) {
    if (dice_.one_in(4)) {
      lines.append(name).append(": ").append(spoofed).append("\r\n");
    }
  }
  if (dice_.one_in(8)) {
    lines += "Connection: x-pomerium-claim-email, x-request-id\r\n";
  }
  lines += dice_.one_in(2) ? "Accept: text/html\r\n" : "Accept: application/json\r\n";
  return lines + "Referer: https://elsewhere.example/?referred-secret-" + id + "-\r\n";
}

Visitor::Message Visitor::get_of(const std::string& host) {
  const std::size_t number = ledger_.enter({.method = "GET", .host = host, .body = {}});
  const std::string id = std::to_string(number);
  std::string query = "query-secret-" + id + "-";
  ledger_.secret(query);
  ledger_.secret("referred-secret-" + id + "-");
  const std::string lines = client_lines(number, host, &query);
  ledger_.sent(number, session_for(host));
  return {.number = number,
          .bytes = "GET /n/" + id + "?" + query + " HTTP/1.1\r\nHost: " + host + "\r\n" + lines +
                   "\r\n"};
}

std::string Visitor::hidden_request() {
  const std::size_t number =
      ledger_.enter({.method = "GET", .host = "public.example", .body = {}, .may_arrive = false});
  return "GET /n/" + std::to_string(number) + " HTTP/1.1\r\nHost: public.example\r\n\r\n";
}

Visitor::Message Visitor::post_of(const std::string& host) {
  // More than the wires and buffers hold, now and then.
  const std::string more(dice_.one_in(20) ? dice_.roll(150'000) : dice_.roll(2000), 'b');
  std::string body = hidden_request() + more;
  const std::size_t number = ledger_.enter({.method = "POST", .host = host, .body = body});
  const std::string id = std::to_string(number);
  std::string query = "query-secret-" + id + "-";
  ledger_.secret(query);
  std::string lines = client_lines(number, host, &query);
  std::string sent = body;
  if (dice_.one_in(2)) {
    lines += "Transfer-Encoding: chunked\r\n";
    sent = chunked(body, dice_) + "X-Pomerium-Claim-Email: spoofed-" + id + "-\r\n\r\n";
  } else {
    lines += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  lines += dice_.one_in(6) ? "Expect: 100-continue\r\n" : "";
  ledger_.sent(number, session_for(host));
  return {.number = number,
          .bytes = "POST /n/" + id + "?" + query + " HTTP/1.1\r\nHost: " + host + "\r\n" + lines +
                   "\r\n" + sent};
}

void Visitor::note_failure(std::size_t number, const Error& error) {
  if (error.kind() == ErrorKind::DeadlineExceeded) {
    ledger_.nothing_came(number);
  }
}

Task<bool> Visitor::expect_reply(Wire* wire, std::size_t number, int* status) {
  const Result<Reply> reply = co_await wire->read_reply();
  if (!reply) {
    note_failure(number, reply.error());
    co_return false;
  }
  ++replies_;
  if (status != nullptr) {
    *status = reply->status;
  }
  if (const auto answer_to = reply->head.field("x-answer-to")) {
    ledger_.answered(number, *answer_to, reply->body);
  } else if (reply->status == 200 || reply->status == 500) {
    ledger_.violation("request " + std::to_string(number) + " got " + reply->head.start_line +
                      " from nowhere");
  }
  co_return true;
}

Task<void> Visitor::sign_in() {
  if (plan_.subject.empty()) {
    co_return;
  }
  const std::string wanted = dice_.pick({"app.example", "app.example", "admin.example"});
  const std::size_t number = ledger_.enter({.method = "GET", .host = wanted, .body = {}});
  std::string next = "https://" + wanted + "/n/" + std::to_string(number);
  constexpr int kHopsMax = 12;
  for (int hop = 0; hop < kHopsMax && !next.empty(); ++hop) {
    if (next.starts_with("https://idp.example/authorize?")) {
      const FakeProvider::Redirect back = deployment_.provider().sign_in(next, plan_.subject);
      ledger_.secret(back.state);
      next = callback_url(back);
    }
    const UrlParts parts = split_url(next);
    const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
    if (wire == nullptr) {
      co_return;
    }
    if (Ledger::number_of(parts.target)) {
      ledger_.sent(number, session_for(parts.host));
    }
    const Result<void> sent =
        co_await wire->send("GET " + parts.target + " HTTP/1.1\r\nHost: " + parts.host + "\r\n" +
                            jar_.header(parts.host) + "Accept: text/html\r\n\r\n");
    const Result<Reply> reply = co_await wire->read_reply();
    if (!sent || !reply) {
      note_failure(number, reply ? sent.error() : reply.error());
      co_return;
    }
    ++replies_;
    note_cookies(parts.host, reply->head);
    if (const auto answer_to = reply->head.field("x-answer-to")) {
      ledger_.answered(number, *answer_to, reply->body);
    }
    next = reply->head.field("location").value_or("");
    co_await async::sleep_for(core(), dice_.up_to(200ms));
  }
}

Task<void> Visitor::get() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  const std::size_t count = 1 + dice_.roll(3);
  for (std::size_t i = 0; wire != nullptr && i < count; ++i) {
    const Message message = get_of(choose_host());
    const Result<void> sent = co_await wire->send(message.bytes);
    const bool answered = co_await expect_reply(wire.get(), message.number, nullptr);
    if (!sent || !answered) {
      co_return;
    }
    co_await async::sleep_for(core(), dice_.up_to(500ms));
  }
}

Task<void> Visitor::post() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const Message message = post_of(choose_host());
  // In two pieces, so that the body is there at once or comes while the head is dealt with. That
  // sending fails is no reason not to read: an answer may have come first.
  const std::size_t cut =
      dice_.one_in(2) ? message.bytes.find("\r\n\r\n") + 4 : dice_.roll(message.bytes.size());
  const Result<void> first = co_await wire->send(message.bytes.substr(0, cut));
  co_await async::sleep_for(core(), dice_.up_to(100ms));
  if (first) {
    static_cast<void>(co_await wire->send(message.bytes.substr(cut)));
  }
  co_await expect_reply(wire.get(), message.number, nullptr);
}

Task<void> Visitor::pipeline() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  std::vector<std::size_t> numbers;
  std::string bytes;
  const std::size_t count = 2 + dice_.roll(5);
  for (std::size_t i = 0; i < count; ++i) {
    const Message message = dice_.one_in(3) ? post_of(choose_host()) : get_of(choose_host());
    numbers.push_back(message.number);
    bytes += message.bytes;
  }
  static_cast<void>(co_await wire->send(std::move(bytes)));
  for (const std::size_t number : numbers) {
    const bool answered = co_await expect_reply(wire.get(), number, nullptr);
    if (!answered) {
      co_return;
    }
  }
}

Task<void> Visitor::send_half_a_head() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const std::string whole = hidden_request();
  static_cast<void>(co_await wire->send(whole.substr(0, 1 + dice_.roll(whole.size() - 1))));
  if (dice_.one_in(3)) {
    wire->stream().shutdown_write();
  }
  co_await expect_reply(wire.get(), 0, nullptr);
}

Task<void> Visitor::send_malformed_head() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const std::size_t number =
      ledger_.enter({.method = "GET", .host = "public.example", .body = {}, .may_arrive = false});
  const std::string line = "GET /n/" + std::to_string(number) + " HTTP/1.1\r\n";
  const std::string host = "Host: public.example\r\n";
  const std::string head = dice_.pick<std::string>(
      {line + host + "Host: app.example\r\n\r\n",
       line + "\r\n",
       line + "Host : public.example\r\n\r\n",
       line + host + "A: b\r\n c\r\n\r\n",
       line + host + "A: b\nC: d\r\n\r\n",
       line + host + "A\r\n\r\n",
       line + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       line + host + "Content-Length: +3\r\n\r\nabc",
       line + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
       line + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
       line + host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
       "GET  /n/" + std::to_string(number) + " HTTP/1.1\r\n" + host + "\r\n",
       "GET /n/" + std::to_string(number) + " HTTP/1.2\r\n" + host + "\r\n",
       "GET /n/" + std::to_string(number) + "\t HTTP/1.1\r\n" + host + "\r\n"});
  static_cast<void>(co_await wire->send(head + hidden_request()));
  int status = 0;
  const bool answered = co_await expect_reply(wire.get(), number, &status);
  if (answered && status < 400) {
    ledger_.violation("a malformed head got " + std::to_string(status) + ":\n" + head);
  }
}

Task<void> Visitor::open_websocket() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const std::string host = "app.example";
  const std::size_t number = ledger_.enter({.method = "GET", .host = host, .body = {}});
  const std::string session = session_for(host);
  ledger_.sent(number, session);
  static_cast<void>(co_await wire->send(
      "GET /n/" + std::to_string(number) + " HTTP/1.1\r\nHost: " + host +
      "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + jar_.header(host) + "\r\n"));
  int status = 0;
  const bool answered = co_await expect_reply(wire.get(), number, &status);
  if (answered && status == 101) {
    co_await stay(wire.get(), number, session);
  }
}

// Keeps a live stream open and says something now and then, for a while or until it is ended.
Task<void> Visitor::stay(Wire* wire, std::size_t number, std::string session) {
  const Instant end = core().now() + dice_.up_to(60s);
  while (core().now() < end) {
    const Result<void> came = co_await wire->read_more(core().deadline_in(250ms));
    if (!came && came.error().kind() != ErrorKind::DeadlineExceeded) {
      co_return;
    }
    ledger_.still_live(number, session);
    const Result<void> sent = co_await wire->send("ping ");
    if (!sent) {
      co_return;
    }
  }
}

Task<void> Visitor::sign_out() {
  const std::string host = "app.example";
  const std::string session = session_for(host);
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  static_cast<void>(co_await wire->send(
      "POST /.pomerium/sign_out HTTP/1.1\r\nHost: " + host + "\r\n" + jar_.header(host) +
      "Origin: https://app.example\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n\r\n"));
  const Result<Reply> reply = co_await wire->read_reply();
  if (!reply) {
    note_failure(0, reply.error());
    co_return;
  }
  ++replies_;
  if (reply->status == 200 && !session.empty()) {
    ledger_.session_ended(session);
  }
  note_cookies(host, reply->head);
}

// Goes away in the middle of something.
Task<void> Visitor::vanish() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const Message message = dice_.one_in(2) ? post_of(choose_host()) : get_of(choose_host());
  const std::size_t bytes =
      dice_.one_in(2) ? message.bytes.size() : dice_.roll(message.bytes.size());
  static_cast<void>(co_await wire->send(message.bytes.substr(0, bytes)));
  co_await async::sleep_for(core(), dice_.up_to(2s));
  wire->close();
}

Task<void> Visitor::idle() {
  const std::unique_ptr<Wire> wire = Wire::connect(deployment_.world());
  if (wire == nullptr) {
    co_return;
  }
  const Result<void> came = co_await wire->read_more(core().deadline_in(kPatience));
  if (came || came.error().kind() == ErrorKind::DeadlineExceeded) {
    ledger_.violation("a connection without a request did not end in order");
  }
}

}  // namespace vallum::testing
