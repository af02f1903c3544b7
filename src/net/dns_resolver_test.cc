#include "net/dns_resolver.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "async/block_on.h"
#include "async/epoll_reactor.h"
#include "async/io_handle.h"
#include "net/native_address.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::net {
namespace {

using namespace std::chrono_literals;

struct Zone {
  std::vector<std::string> addresses;
  std::uint32_t ttl = 60;
  bool fails = false;  // SERVFAIL
};

void append_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

// The name of the first question, dotted, and the offset behind it.
std::pair<std::string, std::size_t> question_name(std::string_view message) {
  std::string name;
  std::size_t at = 12;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    name += (name.empty() ? "" : ".") + std::string(message.substr(at + 1, length));
    at += length + 1;
  }
  return {name, at + 1};
}

// A name server on loopback: RFC 1035, as much of it as the tests need.
class NameServer {
 public:
  explicit NameServer(async::Core& core)
      : handle_(core, async::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0))),
        scope_(core) {
    const NativeAddress any = to_native({.ip = IpAddress::loopback_v4(), .port = 0});
    EXPECT_EQ(::bind(handle_.fd(), any.get(), any.size), 0);
    EXPECT_TRUE(handle_.watch());
    scope_.spawn(serve());
  }

  std::string address() const {
    NativeAddress native;
    ::getsockname(handle_.fd(), native.get(), &native.size);
    return from_native(native).text();
  }

  std::map<std::string, Zone> zones;
  std::vector<std::string> asked;  // names of A questions, in order
  bool silent = false;

 private:
  Task<void> serve() {
    for (;;) {
      NativeAddress peer;
      std::array<char, 512> buffer{};
      const ssize_t size =
          ::recvfrom(handle_.fd(), buffer.data(), buffer.size(), 0, peer.get(), &peer.size);
      if (size < 0) {
        handle_.readable().clear();
        const async::Ready ready = co_await handle_.readable().wait(Deadline::never());
        if (ready != async::Ready::Ready) {
          co_return;
        }
        continue;
      }
      const std::string answer =
          answer_to(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
      if (!silent) {
        ::sendto(handle_.fd(), answer.data(), answer.size(), 0, peer.get(), peer.size);
      }
    }
  }

  std::string answer_to(std::string_view message) {
    const auto [name, end] = question_name(message);
    const bool v4 = message[end + 1] == 1;
    if (v4) {
      asked.push_back(name);
    }
    const auto zone = zones.find(name);
    std::string records;
    std::size_t count = 0;
    if (zone != zones.end()) {
      for (const std::string& text : zone->second.addresses) {
        const IpAddress ip = *IpAddress::parse(text);
        if (ip.is_v4() != v4) {
          continue;
        }
        ++count;
        append_u16(records, 0xc00c);
        append_u16(records, v4 ? 1 : 28);
        append_u16(records, 1);
        append_u16(records, 0);
        append_u16(records, zone->second.ttl);
        append_u16(records, ip.bytes().size());
        records.append(as_text(ip.bytes()));
      }
    }
    const unsigned code = zone == zones.end() ? 3 : zone->second.fails ? 2 : 0;
    std::string answer(message.substr(0, 2));
    append_u16(answer, 0x8180 | code);
    append_u16(answer, 1);
    append_u16(answer, count);
    append_u16(answer, 0);
    append_u16(answer, 0);
    answer.append(message.substr(12, end + 4 - 12));
    return answer + records;
  }

  async::IoHandle handle_;
  async::Scope scope_;
};

class DnsResolverTest : public ::testing::Test {
 protected:
  Result<std::vector<IpAddress>> resolve(std::string host, Deadline deadline = Deadline::never()) {
    return async::block_on(core_, resolver_->resolve(std::move(host), deadline));
  }
  std::vector<std::string> texts(const std::string& host) {
    std::vector<std::string> texts;
    for (const IpAddress& address : resolve(host).value()) {
      texts.push_back(address.text());
    }
    return texts;
  }

  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{1};
  std::unique_ptr<async::EpollReactor> reactor_ = *async::EpollReactor::create();
  async::Core core_{{.reactor = *reactor_, .clock = clock_, .entropy = entropy_}};
  NameServer server_{core_};
  std::unique_ptr<DnsResolver> resolver_ =
      *DnsResolver::create(core_, {.server = server_.address(), .names_max = 3});
};

TEST_F(DnsResolverTest, LiteralsAndLocalhostNeedNoServer) {
  EXPECT_EQ(texts("192.0.2.7"), std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(texts("2001:db8::1"), std::vector<std::string>{"2001:db8::1"});
  EXPECT_EQ(texts("[2001:db8::1]"), std::vector<std::string>{"2001:db8::1"});
  EXPECT_EQ(texts("localhost"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(texts("App.LOCALHOST."), std::vector<std::string>{"127.0.0.1"});

  EXPECT_EQ(resolver_->questions(), 0U);
}

TEST_F(DnsResolverTest, GivesIpv4AddressesFirst) {
  server_.zones["app.example"] = {.addresses = {"2001:db8::5", "192.0.2.5", "192.0.2.6"}};

  EXPECT_EQ(texts("APP.example"),
            (std::vector<std::string>{"192.0.2.5", "192.0.2.6", "2001:db8::5"}));
}

TEST_F(DnsResolverTest, KeepsAnAnswerForItsTimeToLive) {
  server_.zones["app.example"] = {.addresses = {"192.0.2.5"}, .ttl = 60};
  resolve("app.example");
  server_.zones["app.example"] = {.addresses = {"192.0.2.9"}};

  clock_.advance(59s);
  EXPECT_EQ(texts("app.example"), std::vector<std::string>{"192.0.2.5"});
  clock_.advance(2s);
  EXPECT_EQ(texts("app.example"), std::vector<std::string>{"192.0.2.9"});
}

TEST_F(DnsResolverTest, KeepsAnAnswerWithoutTimeToLiveForAWhile) {
  server_.zones["app.example"] = {.addresses = {"192.0.2.5"}, .ttl = 0};
  resolve("app.example");

  clock_.advance(4s);
  resolve("app.example");

  EXPECT_EQ(server_.asked.size(), 1U);
}

TEST_F(DnsResolverTest, AsksOnceForQuestionsThatComeTogether) {
  server_.zones["app.example"] = {.addresses = {"192.0.2.5"}};
  async::Scope scope(core_);
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    scope.spawn([](DnsResolver* resolver, int* count) -> Task<void> {
      const auto result = co_await resolver->resolve("app.example", Deadline::never());
      *count += result.has_value() ? 1 : 0;
    }(resolver_.get(), &answers));
  }

  async::block_on(core_, scope.drain(Deadline::never()));

  EXPECT_EQ(answers, 5);
  EXPECT_EQ(server_.asked.size(), 1U);
}

TEST_F(DnsResolverTest, ANameThatDoesNotExistIsNotFoundAndRemembered) {
  EXPECT_EQ(resolve("nowhere.example").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(resolve("nowhere.example").error().kind(), ErrorKind::NotFound);

  EXPECT_EQ(std::ranges::count(server_.asked, "nowhere.example"), 1);
}

TEST_F(DnsResolverTest, AFailingServerIsUnavailable) {
  server_.zones["app.example"] = {.addresses = {}, .fails = true};

  EXPECT_EQ(resolve("app.example").error().kind(), ErrorKind::Unavailable);
}

TEST_F(DnsResolverTest, AnExpiredAnswerServesWhileTheServerFails) {
  server_.zones["app.example"] = {.addresses = {"192.0.2.5"}, .ttl = 10};
  resolve("app.example");
  server_.zones["app.example"] = {.addresses = {}, .fails = true};

  clock_.advance(1min);
  EXPECT_EQ(texts("app.example"), std::vector<std::string>{"192.0.2.5"});
  clock_.advance(11min);
  EXPECT_EQ(resolve("app.example").error().kind(), ErrorKind::Unavailable);
}

TEST_F(DnsResolverTest, GivesUpAtTheDeadline) {
  server_.silent = true;
  core_.post([this] { clock_.advance(5s); });

  const auto result = resolve("app.example", core_.deadline_in(1s));

  EXPECT_EQ(result.error().kind(), ErrorKind::DeadlineExceeded);
}

TEST_F(DnsResolverTest, RemembersNoMoreNamesThanItsLimit) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = "app" + std::to_string(i) + ".example";
    server_.zones[name] = {.addresses = {"192.0.2.5"}, .ttl = static_cast<std::uint32_t>(60 + i)};
    resolve(name);
  }
  server_.asked.clear();

  resolve("app9.example");
  EXPECT_TRUE(server_.asked.empty());
  resolve("app0.example");

  EXPECT_EQ(server_.asked.size(), 1U);
}

TEST_F(DnsResolverTest, RefusesWhatIsNotAName) {
  EXPECT_EQ(resolve("").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(resolve(std::string("a\0b", 3)).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(resolve(std::string(300, 'a')).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(resolve("a..b").error().kind(), ErrorKind::NotFound);
}

}  // namespace
}  // namespace vallum::net
