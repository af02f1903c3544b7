#include "tls/tls_stream.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "support/sim/fake_core.h"
#include "support/sim/memory_stream.h"
#include "support/test_certificates.h"

namespace vallum::tls {
namespace {

using net::IoResult;
using testing::FakeCore;
using testing::MemoryStream;
using Status = IoResult::Status;

// A client and a server over a connection in memory.
class TlsStreamTest : public ::testing::Test {
 protected:
  static constexpr Duration kPatience = std::chrono::seconds(10);

  TlsStreamTest() {
    std::vector<CertificateSource> sources;
    sources.push_back(world_.certificate("app.example", {"app.example", "*.sub.example"}));
    server_context_ = *ServerContext::make(
        *CertificateStore::make(std::move(sources), fake_.clock.wall()), {"http/1.1"});
    client_context_ = *ClientContext::make({.roots = *TrustRoots::only(world_.authority_pem()),
                                            .verify = Verify::ChainAndName,
                                            .protocols = {"http/1.1"}});
  }

  struct Outcome {
    Result<std::unique_ptr<TlsStream>> client = nullptr;
    Result<std::unique_ptr<TlsStream>> server = nullptr;
    bool ok() const { return client.has_value() && server.has_value(); }
  };

  Deadline deadline() { return fake_.core.deadline_in(kPatience); }

  // Both sides of a handshake over these streams.
  Outcome shake_hands(MemoryStream::Pair pair, std::string name = "app.example") {
    Outcome outcome;
    async::Scope scope(fake_.core);
    scope.spawn(
        [](TlsStreamTest* test, std::unique_ptr<net::Stream> inner, Outcome* out) -> Task<void> {
          out->server = co_await accept(
              std::move(inner), test->server_context_, &test->per_core_, test->deadline());
        }(this, std::move(pair.server), &outcome));
    scope.spawn([](TlsStreamTest* test,
                   std::unique_ptr<net::Stream> inner,
                   std::string server_name,
                   Outcome* out) -> Task<void> {
      out->client = co_await connect(std::move(inner),
                                     test->client_context_,
                                     std::move(server_name),
                                     &test->per_core_,
                                     test->deadline());
    }(this, std::move(pair.client), std::move(name), &outcome));
    while (!scope.empty()) {
      fake_.core.turn();
    }
    return outcome;
  }

  Outcome shake_hands(std::string name = "app.example") {
    return shake_hands(MemoryStream::make_pair(fake_.core), std::move(name));
  }

  // Everything that can be read now.
  std::string read_all(net::Stream& stream) {
    std::string text;
    std::byte buffer[777];
    for (;;) {
      fake_.run_ready();
      const IoResult result = stream.try_read(buffer);
      if (!result.is_done()) {
        return text;
      }
      text += as_text(ByteView(buffer).first(result.bytes));
    }
  }

  FakeCore fake_;
  testing::TestCertificates world_{fake_.clock.wall()};
  PerCore per_core_{Secret(std::string_view("seed of tickets")), fake_.clock.wall()};
  async::Snapshot<ServerContext> server_context_;
  async::Snapshot<ClientContext> client_context_;
};

TEST_F(TlsStreamTest, AgreesOnTls13WithTheNameAndProtocolAskedFor) {
  const Outcome outcome = shake_hands();

  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ((*outcome.server)->version(), "TLSv1.3");
  EXPECT_EQ((*outcome.server)->server_name(), "app.example");
  EXPECT_EQ((*outcome.server)->protocol(), "http/1.1");
  EXPECT_EQ((*outcome.client)->protocol(), "http/1.1");
  EXPECT_FALSE((*outcome.client)->resumed());
}

TEST_F(TlsStreamTest, BytesArriveInOrderInBothDirections) {
  const Outcome outcome = shake_hands();
  ASSERT_TRUE(outcome.ok());

  (*outcome.client)->try_write(as_bytes("GET / "), as_bytes("HTTP/1.1\r\n"));
  (*outcome.client)->try_write(as_bytes("more"));
  (*outcome.server)->try_write(as_bytes("200"));

  EXPECT_EQ(read_all(**outcome.server), "GET / HTTP/1.1\r\nmore");
  EXPECT_EQ(read_all(**outcome.client), "200");
}

TEST_F(TlsStreamTest, BothPartsOfASmallWriteAreOneRecord) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
  MemoryStream* server = pair.server.get();
  const Outcome outcome = shake_hands(std::move(pair));
  ASSERT_TRUE(outcome.ok());
  const std::size_t bytes_before = server->bytes_written();
  const std::size_t attempts_before = server->attempts();

  (*outcome.server)->try_write(as_bytes("head"), as_bytes("body"));

  constexpr std::size_t kRecordOverhead = 5 + 1 + 16;  // header, type, tag
  EXPECT_EQ(server->bytes_written() - bytes_before, 8 + kRecordOverhead);
  EXPECT_EQ(server->attempts() - attempts_before, 1U);
}

TEST_F(TlsStreamTest, ALargeWriteLeavesInOnePiece) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
  MemoryStream* server = pair.server.get();
  const Outcome outcome = shake_hands(std::move(pair));
  ASSERT_TRUE(outcome.ok());
  const std::size_t attempts_before = server->attempts();
  const std::string body(48 * 1024, 'x');

  EXPECT_EQ((*outcome.server)->try_write(as_bytes(body)), IoResult::done(body.size()));

  EXPECT_EQ(server->attempts() - attempts_before, 1U);
  EXPECT_EQ(read_all(**outcome.client), body);
}

TEST_F(TlsStreamTest, APeerThatDoesNotReadStopsTheWriter) {
  const Outcome outcome = shake_hands();
  ASSERT_TRUE(outcome.ok());
  const std::string block(16 * 1024, 'x');
  std::size_t written = 0;
  IoResult result;
  while ((result = (*outcome.server)->try_write(as_bytes(block))).is_done()) {
    written += result.bytes;
    ASSERT_LT(written, 1U << 20U);
  }

  EXPECT_EQ(result.status, Status::WouldBlock);
  EXPECT_EQ((*outcome.server)->try_flush().status, Status::WouldBlock);
  std::size_t read = 0;
  while (read < written) {
    const std::string text = read_all(**outcome.client);
    read += text.size();
    fake_.run_ready();
    (*outcome.server)->try_flush();
  }
  EXPECT_EQ(read, written);
  EXPECT_TRUE((*outcome.server)->try_flush().is_done());
}

TEST_F(TlsStreamTest, AWaitEndsAtOnceWhileDecryptedBytesAreLeft) {
  const Outcome outcome = shake_hands();
  ASSERT_TRUE(outcome.ok());
  (*outcome.client)->try_write(as_bytes("abcdef"));
  fake_.run_ready();
  std::byte buffer[4];
  ASSERT_EQ((*outcome.server)->try_read(buffer), IoResult::done(4));

  EXPECT_TRUE((*outcome.server)->may_read());
  auto wait = [](net::Stream* stream, Deadline until) -> Task<async::Ready> {
    co_return co_await stream->readable(until);
  };
  EXPECT_EQ(async::block_on(fake_.core, wait(outcome.server->get(), deadline())),
            async::Ready::Ready);

  EXPECT_EQ(read_all(**outcome.server), "ef");
  EXPECT_FALSE((*outcome.server)->may_read());
  EXPECT_EQ(async::block_on(fake_.core, wait(outcome.server->get(), deadline())),
            async::Ready::TimedOut);
}

TEST_F(TlsStreamTest, AnOrderlyEndIsEofAndTheOtherDirectionGoesOn) {
  const Outcome outcome = shake_hands();
  ASSERT_TRUE(outcome.ok());
  (*outcome.client)->try_write(as_bytes("last"));
  (*outcome.client)->shutdown_write();

  EXPECT_EQ(read_all(**outcome.server), "last");
  std::byte buffer[4];
  EXPECT_EQ((*outcome.server)->try_read(buffer).status, Status::Eof);
  EXPECT_TRUE((*outcome.server)->try_write(as_bytes("answer")).is_done());
  EXPECT_EQ(read_all(**outcome.client), "answer");
  EXPECT_EQ((*outcome.client)->try_write(as_bytes("x")).status, Status::Failed);
}

TEST_F(TlsStreamTest, AConnectionThatIsCutIsNotEof) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
  MemoryStream* client = pair.client.get();
  const Outcome outcome = shake_hands(std::move(pair));
  ASSERT_TRUE(outcome.ok());
  (*outcome.client)->try_write(as_bytes("part"));
  client->shutdown_write();

  EXPECT_EQ(read_all(**outcome.server), "part");
  std::byte buffer[4];
  EXPECT_EQ((*outcome.server)->try_read(buffer), IoResult::failed(ECONNRESET));
}

TEST_F(TlsStreamTest, AChangedByteEndsTheConnection) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
  MemoryStream* client = pair.client.get();
  const Outcome outcome = shake_hands(std::move(pair));
  ASSERT_TRUE(outcome.ok());

  client->try_write(as_bytes(std::string("\x17\x03\x03\x00\x12", 5) + "eighteen bytes here"));

  EXPECT_EQ(read_all(**outcome.server), "");
  std::byte buffer[4];
  EXPECT_EQ((*outcome.server)->try_read(buffer).status, Status::Failed);
  EXPECT_EQ((*outcome.server)->try_write(as_bytes("x")).status, Status::Failed);
}

TEST_F(TlsStreamTest, ASecondConnectionResumesTheSession) {
  Outcome first = shake_hands();
  ASSERT_TRUE(first.ok());
  read_all(**first.client);  // the ticket
  EXPECT_EQ(per_core_.sessions.size(), 1U);

  Outcome second = shake_hands();

  ASSERT_TRUE(second.ok());
  EXPECT_TRUE((*second.client)->resumed());
  EXPECT_TRUE((*second.server)->resumed());
  read_all(**second.client);
  const Outcome third = shake_hands();
  ASSERT_TRUE(third.ok());
  EXPECT_TRUE((*third.client)->resumed());
}

TEST_F(TlsStreamTest, ATicketOutlivesTwoPeriodsAndNotThree) {
  for (const bool good : {true, false}) {
    const Outcome first = shake_hands();
    ASSERT_TRUE(first.ok());
    read_all(**first.client);
    fake_.advance(kTicketPeriod * (good ? 2 : 3));

    const Outcome second = shake_hands();

    ASSERT_TRUE(second.ok());
    EXPECT_EQ((*second.client)->resumed(), good);
  }
}

TEST_F(TlsStreamTest, ASessionIsNotResumedUnderOtherTrust) {
  const Outcome first = shake_hands();
  ASSERT_TRUE(first.ok());
  read_all(**first.client);
  testing::TestCertificates stranger(fake_.clock.wall(), 12);
  client_context_ = *ClientContext::make({.roots = *TrustRoots::only(stranger.authority_pem()),
                                          .verify = Verify::ChainAndName,
                                          .protocols = {"http/1.1"}});

  EXPECT_FALSE(shake_hands().client.has_value());
}

TEST_F(TlsStreamTest, AServerMustProveTheNameAskedFor) {
  const Outcome wrong = shake_hands("other.example");
  ASSERT_FALSE(wrong.client.has_value());
  EXPECT_NE(wrong.client.error().message().find("hostname mismatch"), std::string_view::npos)
      << wrong.client.error().message();
  EXPECT_FALSE(wrong.server.has_value());

  EXPECT_TRUE(shake_hands("a.sub.example").ok());
  EXPECT_FALSE(shake_hands("a.b.sub.example").ok());
  EXPECT_FALSE(shake_hands("127.0.0.1").ok());
}

TEST_F(TlsStreamTest, AnAddressIsProvenByAnAddress) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("127.0.0.1", {}, {IpAddress::loopback_v4()}));
  server_context_ = *ServerContext::make(
      *CertificateStore::make(std::move(sources), fake_.clock.wall()), {"http/1.1"});

  const Outcome outcome = shake_hands("127.0.0.1");

  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ((*outcome.server)->server_name(), "");
}

TEST_F(TlsStreamTest, NothingIsVerifiedWhenTheOperatorSaysSo) {
  client_context_ = *ClientContext::make(
      {.roots = nullptr, .verify = Verify::Nothing, .protocols = {"http/1.1"}});

  EXPECT_TRUE(shake_hands("other.example").ok());
}

TEST_F(TlsStreamTest, AnExpiredServerCertificateIsRefused) {
  fake_.clock.jump_wall(std::chrono::days(400));

  const Outcome outcome = shake_hands();

  ASSERT_FALSE(outcome.client.has_value());
  EXPECT_NE(outcome.client.error().message().find("expired"), std::string_view::npos);
}

TEST_F(TlsStreamTest, AClientThatSpeaksOnlyOtherProtocolsIsRefused) {
  client_context_ = *ClientContext::make({.roots = *TrustRoots::only(world_.authority_pem()),
                                          .verify = Verify::ChainAndName,
                                          .protocols = {"h2"}});

  const Outcome outcome = shake_hands();

  ASSERT_FALSE(outcome.server.has_value());
  EXPECT_EQ(outcome.server.error().kind(), ErrorKind::InvalidInput);
}

TEST_F(TlsStreamTest, ASilentPeerIsGivenUpAtTheDeadline) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);

  const auto result = async::block_on(
      fake_.core, accept(std::move(pair.server), server_context_, &per_core_, deadline()));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::DeadlineExceeded);
}

TEST_F(TlsStreamTest, PlainHttpIsNamedInTheError) {
  MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
  pair.client->try_write(as_bytes("GET / HTTP/1.1\r\nHost: app.example\r\n\r\n"));

  const auto result = async::block_on(
      fake_.core, accept(std::move(pair.server), server_context_, &per_core_, deadline()));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::InvalidInput);
  EXPECT_NE(result.error().message().find("http request"), std::string_view::npos);
}

TEST_F(TlsStreamTest, AFailureAtAnyAttemptEndsBothSidesInOrder) {
  for (const bool at_client : {false, true}) {
    bool reached = true;
    for (std::size_t n = 0; reached; ++n) {
      ASSERT_LT(n, 200U);
      MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
      MemoryStream* faulty = at_client ? pair.client.get() : pair.server.get();
      faulty->faults().reset_at_attempt = n;

      const Outcome outcome = shake_hands(std::move(pair));
      if (outcome.ok()) {
        (*outcome.client)->try_write(as_bytes("ping"));
        const std::string ping = read_all(**outcome.server);
        (*outcome.server)->try_write(as_bytes("pong"));
        const std::string pong = read_all(**outcome.client);
        reached = faulty->attempts() > n;
        EXPECT_TRUE(reached || (ping == "ping" && pong == "pong"));
      } else {
        const auto& failed = outcome.client.has_value() ? outcome.server : outcome.client;
        EXPECT_NE(failed.error().message(), "");
      }
    }
  }
}

TEST_F(TlsStreamTest, TinyPiecesChangeNothing) {
  testing::SeededEntropy chop(7);
  for (int round = 0; round < 20; ++round) {
    MemoryStream::Pair pair = MemoryStream::make_pair(fake_.core);
    pair.client->faults().chop = &chop;
    pair.server->faults().chop = &chop;
    const Outcome outcome = shake_hands(std::move(pair));
    ASSERT_TRUE(outcome.ok());
    const std::string body(20'000, 'x');

    auto send =
        [](net::Stream* stream, const std::string* text, Deadline until) -> Task<Result<void>> {
      co_return co_await net::write_all(stream, as_bytes(*text), until);
    };
    ASSERT_TRUE(
        async::block_on(fake_.core, send(outcome.server->get(), &body, deadline())).has_value());

    EXPECT_EQ(read_all(**outcome.client), body);
  }
}

}  // namespace
}  // namespace vallum::tls
