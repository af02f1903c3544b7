// The hot path's promise: a warm authorized request allocates nothing. Sockets and threads are
// real, because the simulated ones allocate themselves.
#include <future>  // NOLINT(vallum-layers): the test is a second thread beside a core
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "codec/base64.h"
#include "config/load.h"
#include "crypto/jose/signing_key.h"
#include "databroker/store/memory_store.h"
#include "net/dns_resolver.h"
#include "net/kernel_network.h"
#include "server/build_generation.h"
#include "server/proxy_core.h"
#include "session/handle.h"
#include "session/records.h"
#include "support/allocation/allocation_count.h"
#include "telemetry/line_writer.h"

namespace vallum::testing {
namespace {

constexpr std::string_view kSharedSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

void send_all(int fd, std::string_view text) {
  ASSERT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

// Reads until the text ends with this.
std::string receive_until(int fd, std::string_view end) {
  std::string text;
  std::array<char, 4096> piece{};
  while (!text.ends_with(end)) {
    const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
    if (got <= 0) {
      break;
    }
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// An application on one connection, answered by the test itself.
class Origin {
 public:
  Origin() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() {
    close(connection_);
    close(listener_);
  }
  std::uint16_t port() const { return port_; }
  // Takes one request and answers it; returns its head.
  std::string answer_one() {
    if (connection_ < 0) {
      connection_ = accept(listener_, nullptr, nullptr);
    }
    std::string head = receive_until(connection_, "\r\n\r\n");
    send_all(connection_, kAnswer);
    return head;
  }

 private:
  int listener_;
  int connection_ = -1;
  std::uint16_t port_ = 0;
};

class NoEndpoints final : public proxy::OwnEndpoints {
 public:
  Async<http::Response> answer(authenticate::Visit, Deadline) override {
    co_return fail(ErrorKind::Unavailable, "not here");
  }
  Async<http::Response> start_login(authenticate::Visit, Deadline) override {
    co_return fail(ErrorKind::Unavailable, "not here");
  }
};

class NullOutput final : public telemetry::LineOutput {
 public:
  Attempt try_write(ByteView first, ByteView second) override {
    return {.status = Attempt::Status::Done, .bytes = first.size() + second.size()};
  }
};

config::Settings settings_for(std::uint16_t port, WallTime now) {
  const config::Environment nothing;
  const config::DiskFiles files;
  const std::string text = "shared_secret: " + std::string(kSharedSecret) + R"(
pass_identity_headers: true
jwt_claims_headers: [email, groups]
routes:
  - from: https://app.example
    to: http://127.0.0.1:)" +
                           std::to_string(port) +
                           R"(
    policy:
      - allow:
          or:
            - groups:
                has: admins
  - from: https://programs.example
    to: http://127.0.0.1:)" +
                           std::to_string(port) +
                           R"(
    bearer_token_format: idp_identity_token
    policy:
      - allow:
          or:
            - groups:
                has: admins
)";
  config::Loaded loaded = config::load_text(
      text, config::Format::Yaml, "test", {.environment = nothing, .files = files, .now = now});
  return *std::move(loaded.settings);
}

// NOLINTNEXTLINE(vallum-banned): the test is a second thread beside a core
Task<void> store_alice(databroker::Databroker* broker, std::promise<void>* done) {
  session::SessionRecord record;
  record.id = "session-1";
  record.user_id = "alice";
  record.idp_id = "idp";
  session::DirectoryUser directory;
  directory.id = "alice";
  directory.group_ids = codec::Node::list({codec::Node::string("admins")});
  databroker::Batch batch;
  batch.push_back(
      databroker::Write::put(session::session_key("session-1"), *session::encode_session(record)));
  batch.push_back(databroker::Write::put(
      session::user_key("alice"),
      *session::encode_user(
          {.id = "alice", .name = "Alice", .email = "alice@example.com", .claims = {}})));
  batch.push_back(databroker::Write::put(session::directory_user_key("alice"),
                                         *session::encode_directory_user(directory)));
  const Result<databroker::Committed> put =
      co_await broker->put(std::move(batch), Deadline::never());
  EXPECT_TRUE(put.has_value());
  done->set_value();
}

std::uint64_t allocations_on(async::Core& core) {
  // NOLINTNEXTLINE(vallum-banned): the test is a second thread beside a core
  std::promise<std::uint64_t> answer;
  core.post([&answer] { answer.set_value(allocations_so_far()); });
  return answer.get_future().get();
}

// Whoever verifies tokens: all of them are alice's.
Async<session::BearerSession> accept_token(session::BearerQuestion /*question*/,
                                           Deadline /*deadline*/) {
  co_return session::BearerSession{
      .session_id = "session-1", .idp_id = "idp", .server_version = 0, .record_version = 0};
}

// Lets somebody send the same request again and again. `host_and_credential` are complete lines.
void expect_no_allocations(const std::string& host_and_credential) {
  if (!counts_allocations()) {
    return;  // a sanitizer's allocator is not counted; the release build is
  }
  // NOLINTNEXTLINE(vallum-banned): sockets of the kernel run on its clock
  SystemClock clock;
  SystemEntropy entropy;
  Origin origin;
  auto reactor = *async::EpollReactor::create();
  async::Core core({.reactor = *reactor, .clock = clock, .entropy = entropy});
  net::KernelNetwork network(core);
  auto resolver = *net::DnsResolver::create(core, {});
  const auto settings =
      async::make_snapshot<config::Settings>(settings_for(origin.port(), clock.wall()));
  const crypto::SigningKeys keys = crypto::SigningKeys::derive(*settings->shared_secret);
  databroker::Databroker broker({.home = core,
                                 .store = std::make_unique<databroker::MemoryStore>(entropy),
                                 .cores = 1,
                                 .storage = databroker::Databroker::Storage::OnCallingCore});
  telemetry::LineWriter writer(nullptr);
  NullOutput output;
  telemetry::LineLane& lane = writer.add_lane(output, std::size_t{8} << 20);
  telemetry::MetricRegistry metrics(1);
  NoEndpoints endpoints;
  const Secret ticket_seed("0123456789abcdef0123456789abcdef");
  std::vector<std::string> warnings;
  server::ProxyCore proxy_core(
      {.core = core,
       .network = network,
       .resolver = *resolver,
       .broker = broker,
       .lane = lane,
       .metrics = metrics,
       .shared_key = settings->shared_secret,
       .signing_keys = keys,
       .own_endpoints = endpoints,
       .ticket_seed = ticket_seed,
       .verify_bearer = accept_token,
       .authorizer = {.cookie_name = "_pomerium", .idp_id = "idp"},
       .generation = *server::build_generation(
           settings,
           {.cores = 1, .now = clock.wall(), .entropy = entropy, .speaks_tls = false},
           &warnings)});
  const auto bound = proxy_core.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  ASSERT_TRUE(bound.has_value());
  // NOLINTNEXTLINE(vallum-banned): the test is a second thread beside a core
  std::promise<void> stored;
  proxy_core.tasks().spawn(store_alice(&broker, &stored));
  {
    async::CoreThread thread(core, {.name = "core", .cpu = std::nullopt});
    stored.get_future().wait();
    const std::string request =
        "GET /reports?q=1 HTTP/1.1\r\nUser-Agent: test\r\nAccept: text/html\r\n" +
        host_and_credential + "\r\n";
    const int client = connect_to(bound->port);
    std::string head;
    std::uint64_t before = 0;
    constexpr int kWarm = 50;
    constexpr int kCounted = 100;
    for (int i = 0; i < kWarm + kCounted; ++i) {
      if (i == kWarm) {
        before = allocations_on(core);
      }
      send_all(client, request);
      head = origin.answer_one();
      ASSERT_TRUE(receive_until(client, "hello").starts_with("HTTP/1.1 200 OK"));
    }
    const std::uint64_t spent = allocations_on(core) - before;
    EXPECT_NE(head.find("X-Pomerium-Jwt-Assertion: ey"), std::string::npos);
    // The two looks themselves post a message each.
    constexpr std::uint64_t kOfLooking = 8;
    EXPECT_LE(spent, kOfLooking) << "in " << kCounted << " requests";
    close(client);
    // NOLINTNEXTLINE(vallum-banned): the test is a second thread beside a core
    std::promise<void> drained;
    // NOLINTNEXTLINE(vallum-banned): the test is a second thread beside a core
    auto drain = [](server::ProxyCore* target, std::promise<void>* done) -> Task<void> {
      co_await target->drain(target->core().deadline_in(std::chrono::seconds(1)));
      done->set_value();
    };
    core.post([&] { proxy_core.tasks().spawn(drain(&proxy_core, &drained)); });
    drained.get_future().wait();
  }
}

TEST(WarmRequestTest, AllocatesNothing) {
  const Secret shared_key(*codec::decode_base64(kSharedSecret, codec::Base64::Std));
  session::HandleCodec codec(shared_key);
  session::Handle handle;
  handle.session_id = "session-1";
  handle.user_id = "alice";
  handle.idp_id = "idp";
  handle.audience = {"app.example"};

  expect_no_allocations("Host: app.example\r\nCookie: a=b; _pomerium=" + codec.sign(handle) +
                        "\r\n");
}

TEST(WarmRequestTest, AllocatesNothingForABearerToken) {
  expect_no_allocations("Host: programs.example\r\nAuthorization: Bearer " +
                        std::string(1200, 't') + "\r\n");
}

}  // namespace
}  // namespace vallum::testing
