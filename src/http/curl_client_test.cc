#include "http/curl_client.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "net/kernel_network.h"
#include "support/sim/kernel_core.h"

namespace vallum::http {
namespace {

using testing::KernelCore;

// A server on a loopback port that answers each path with fixed bytes, or never.
class RawServer {
 public:
  explicit RawServer(async::Core& core) : network_(core), scope_(core) {
    scope_.spawn(accept_all(this));
  }

  // What follows an answer is the end of the connection.
  void answer(std::string path, std::string bytes) { answers_[std::move(path)] = std::move(bytes); }
  std::string url(std::string_view path) const {
    return "http://" + listener_->local_address().text() + std::string(path);
  }
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  static Task<void> accept_all(RawServer* self) {
    while (true) {
      auto stream = co_await self->listener_->accept();
      if (!stream) {
        break;
      }
      self->scope_.spawn(serve(self, *std::move(stream)));
    }
  }

  static Task<void> serve(RawServer* self, std::unique_ptr<net::Stream> stream) {
    std::string text;
    Bytes buffer(4096);
    while (!is_whole(text)) {
      const auto count = co_await net::read_some(stream.get(), buffer, Deadline::never());
      if (!count || *count == 0) {
        co_return;
      }
      text.append(as_text(ByteView(buffer).first(*count)));
      if (text.front() == '\x16') {
        co_return;  // a TLS hello
      }
    }
    self->requests_.push_back(text);
    const std::size_t from = text.find(' ') + 1;
    const auto found = self->answers_.find(text.substr(from, text.find(' ', from) - from));
    if (found == self->answers_.end()) {
      // Hangs until the client goes away.
      co_await net::read_some(stream.get(), buffer, Deadline::never());
      co_return;
    }
    co_await net::write_all(stream.get(), as_bytes(found->second), Deadline::never());
  }

  static bool is_whole(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      return false;
    }
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t length = text.find(kLength);
    std::size_t body = 0;
    for (std::size_t at = length + kLength.size();
         length < end && text[at] >= '0' && text[at] <= '9';
         ++at) {
      body = body * 10 + static_cast<std::size_t>(text[at] - '0');
    }
    return text.size() >= end + 4 + body;
  }

  net::KernelNetwork network_;
  std::unique_ptr<net::Listener> listener_ =
      *network_.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  std::map<std::string, std::string> answers_;
  std::vector<std::string> requests_;
  async::Scope scope_;
};

class CurlClientTest : public ::testing::Test {
 protected:
  ClientRequest get(std::string_view path) { return {.url = *Uri::parse(server_.url(path))}; }

  Result<ClientResponse> fetch(ClientRequest request, Deadline deadline = Deadline::never()) {
    return async::block_on(kernel_.core, client_->fetch(std::move(request), deadline));
  }

  KernelCore kernel_;
  RawServer server_{kernel_.core};
  std::unique_ptr<CurlClient> client_ = *CurlClient::create(kernel_.core, {});
};

TEST_F(CurlClientTest, ReturnsStatusHeadersAndBody) {
  server_.answer("/a?b=c",
                 "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                 "X-Two:  padded \r\nContent-Length: 4\r\n\r\nbody");

  const auto response = fetch(get("/a?b=c"));

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->status, 404);
  EXPECT_FALSE(response->is_success());
  EXPECT_EQ(response->body, "body");
  EXPECT_EQ(response->headers.value("date"), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(response->headers.value("x-two"), "padded");
  EXPECT_EQ(client_->size(), 0U);
}

TEST_F(CurlClientTest, SendsTheBodyAndHeadersOfAPost) {
  server_.answer("/token", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  ClientRequest request = get("/token");
  request.method = Method::Post;
  request.headers.add("Authorization", "Basic eDp5");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("X-Empty", "");
  request.headers.add("X-Sly", "a\r\nX-Injected: b");
  request.body = "grant_type=authorization_code&code=" + std::string(3000, 'c');

  const auto response = fetch(std::move(request));

  ASSERT_TRUE(response.has_value()) << response.error().message();
  ASSERT_EQ(server_.requests().size(), 1U);
  const std::string& seen = server_.requests().front();
  EXPECT_TRUE(seen.starts_with("POST /token HTTP/1.1\r\n"));
  EXPECT_NE(seen.find("\r\nAuthorization: Basic eDp5\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nX-Empty:\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("\r\nX-Injected"), std::string::npos);
  EXPECT_EQ(seen.find("Expect:"), std::string::npos);
  EXPECT_TRUE(
      seen.ends_with("\r\n\r\ngrant_type=authorization_code&code=" + std::string(3000, 'c')));
}

TEST_F(CurlClientTest, ReadsChunkedAnswersAndSkipsInterimHeads) {
  server_.answer("/",
                 "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");

  const auto response = fetch(get("/"));

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "abcde");
  EXPECT_EQ(response->headers.find("x-early"), nullptr);
}

TEST_F(CurlClientTest, FollowsNoRedirect) {
  server_.answer("/from", "HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 0\r\n\r\n");

  const auto response = fetch(get("/from"));

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(CurlClientTest, RefusesAnswersAboveTheirLimit) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
  server_.answer("/body", head + std::string(1000, 'x'));
  server_.answer("/head", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
  ClientRequest exact = get("/body");
  exact.body_bytes_max = 1000;
  ClientRequest less = get("/body");
  less.body_bytes_max = 999;

  const auto fits = fetch(std::move(exact));
  const auto too_long = fetch(std::move(less));
  const auto long_head = fetch(get("/head"));

  EXPECT_TRUE(fits.has_value());
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().kind(), ErrorKind::ResourceExhausted);
  ASSERT_FALSE(long_head.has_value());
  EXPECT_EQ(long_head.error().kind(), ErrorKind::ResourceExhausted);
}

TEST_F(CurlClientTest, TellsWhenNobodyListensOrTheAnswerBreaksOff) {
  server_.answer("/cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  server_.answer("/rubbish", "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  net::KernelNetwork network(kernel_.core);
  auto unused = *network.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  const std::string closed = "http://" + unused->local_address().text() + "/?secret=1";
  unused.reset();

  const auto cut = fetch(get("/cut"));
  const auto rubbish = fetch(get("/rubbish"));
  const auto refused = fetch({.url = *Uri::parse(closed)});

  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(rubbish.has_value());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(refused.error().message().find("secret"), std::string_view::npos);
}

TEST_F(CurlClientTest, DoesNotTrustAServerThatOnlySpeaksPlainHttp) {
  std::string url = server_.url("/");
  url.insert(4, "s");
  server_.answer("/", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

  const auto response =
      fetch({.url = *Uri::parse(url)}, kernel_.core.deadline_in(std::chrono::seconds(30)));

  ASSERT_FALSE(response.has_value());
}

TEST_F(CurlClientTest, EndsAtTheDeadline) {
  const Deadline soon = Deadline::after(kernel_.clock, std::chrono::milliseconds(5));
  const Deadline past(kernel_.clock.now());

  const auto hung = fetch(get("/hangs"), soon);
  const auto late = fetch(get("/hangs"), past);

  ASSERT_FALSE(hung.has_value());
  EXPECT_EQ(hung.error().kind(), ErrorKind::DeadlineExceeded);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind(), ErrorKind::DeadlineExceeded);
  EXPECT_EQ(client_->size(), 0U);
}

Task<void> fetch_and_forget(CurlClient* client, ClientRequest request) {
  auto ignored = co_await client->fetch(std::move(request), Deadline::never());
}

TEST_F(CurlClientTest, HungRequestsKeepNobodyElseWaitingAndCanBeAbandoned) {
  // Each on an address of its own, as a hung server has its own.
  RawServer healthy(kernel_.core);
  healthy.answer("/", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  auto scope = std::make_unique<async::Scope>(kernel_.core);
  for (int i = 0; i < 500; ++i) {
    scope->spawn(fetch_and_forget(client_.get(), get("/hangs")));
  }

  const auto response = fetch({.url = *Uri::parse(healthy.url("/"))});

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(client_->size(), 500U);
  scope.reset();
  EXPECT_EQ(client_->size(), 0U);
}

TEST_F(CurlClientTest, HasALimitOfRequestsUnderWay) {
  client_ = *CurlClient::create(kernel_.core, {.requests_max = 2});
  async::Scope scope(kernel_.core);
  scope.spawn(fetch_and_forget(client_.get(), get("/hangs")));
  scope.spawn(fetch_and_forget(client_.get(), get("/hangs")));

  const auto response = fetch(get("/hangs"));

  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::ResourceExhausted);
}

TEST_F(CurlClientTest, SendsOnlyGetAndPost) {
  ClientRequest request = get("/");
  request.method = Method::Delete;

  const auto response = fetch(std::move(request));

  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace vallum::http
