#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "async/block_on.h"
#include "async/core.h"
#include "async/epoll_reactor.h"
#include "base/entropy.h"
#include "base/time.h"
#include "codec/json.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "session/identity_cache.h"
#include "session/records.h"

// What finding a joined identity may cost among a million sessions: 0.4 us, and at most 1 KiB of
// memory per session above what the records say. That much memory is in no cache, so the time is
// that of the machine's memory: read_one_of_a_million says what one read of it costs, where each
// must wait for the one before. `p50_ns` and `p99_ns` are of single calls with nothing to overlap.
namespace vallum::session {
namespace {

constexpr std::size_t kSessions = 1'000'000;
constexpr std::size_t kSessionsPerUser = 10;

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string session_id(std::size_t i) {
  std::string digits = std::to_string(i);
  return "0194f6f8-e760-76a0-8917-" + std::string(12 - digits.size(), '0') + digits;
}

std::string user_id(std::size_t i) {
  return "google-oauth2|11523156789" + std::to_string(i / kSessionsPerUser);
}

// Of a Result or an expected.
template <class Expected>
auto must(Expected result) {
  if (!result) {
    std::abort();
  }
  return *std::move(result);
}

// A store of sessions as sign-in writes them, and a cache that has seen them all.
class Million {
 public:
  Million() {
    for (std::size_t i = 0; i < kSessions; ++i) {
      add_session(i);
    }
    flush();
    const std::size_t before = resident_bytes();
    for (std::size_t i = 0; i < kSessions; ++i) {
      SessionWanted wanted{.session_id = session_id(i)};
      const Result<void> loaded =
          async::block_on(core_, cache_.load(std::move(wanted), Deadline::never()));
      if (!loaded) {
        std::abort();
      }
    }
    bytes_per_session_ = static_cast<double>(resident_bytes() - before) / kSessions;
  }
  Million(const Million&) = delete;
  Million& operator=(const Million&) = delete;
  ~Million() = default;

  IdentityCache& cache() { return cache_; }
  double bytes_per_session() const { return bytes_per_session_; }
  double payload_per_session() const { return static_cast<double>(payload_bytes_) / kSessions; }

 private:
  void add(databroker::RecordKey key, databroker::Value value) {
    batch_.push_back(databroker::Write::put(std::move(key), std::move(value)));
    if (batch_.size() >= 1000) {
      flush();
    }
  }
  void flush() {
    if (!batch_.empty()) {
      must(async::block_on(core_, broker_.put(std::exchange(batch_, {}), Deadline::never())));
    }
  }
  void add_session(std::size_t i) {
    SessionRecord session;
    session.id = session_id(i);
    session.user_id = user_id(i);
    session.idp_id = "idp";
    session.expires_at = clock_.wall() + std::chrono::hours(14);
    session.claims.push_back(
        {.name = "groups", .values = *codec::parse_json(R"(["staff","engineering"])")});
    const databroker::Value value = must(encode_session(session));
    // Each identity has a copy of what its user's records say.
    payload_bytes_ += value.bytes.size() + user_bytes_;
    add(session_key(session.id), value);
    if (i % kSessionsPerUser == 0) {
      add_user(session.user_id);
    }
  }
  void add_user(const std::string& id) {
    UserRecord user{.id = id, .name = "Alice Example", .email = id + "@example.com", .claims = {}};
    user.claims.push_back({.name = "email", .values = *codec::parse_json(R"(["a@b"])")});
    databroker::Value value = must(encode_user(user));
    user_bytes_ = value.bytes.size();
    add(user_key(id), std::move(value));
    DirectoryUser directory;
    directory.id = id;
    directory.group_ids = *codec::parse_json(R"(["group-1","group-2","group-3"])");
    value = must(encode_directory_user(directory));
    user_bytes_ += value.bytes.size();
    add(directory_user_key(id), std::move(value));
  }

  SystemClock clock_;  // NOLINT(vallum-banned): a benchmark runs in real time
  SystemEntropy entropy_;
  std::unique_ptr<async::EpollReactor> reactor_ = must(async::EpollReactor::create());
  async::Core core_{{.reactor = *reactor_, .clock = clock_, .entropy = entropy_}};
  databroker::Databroker broker_{{.home = core_,
                                  .store = std::make_unique<databroker::MemoryStore>(entropy_),
                                  .storage = databroker::Databroker::Storage::OnCallingCore}};
  IdentityCache cache_{core_, broker_, {.identities_max = kSessions}};
  databroker::Batch batch_;
  std::size_t user_bytes_ = 0;
  std::size_t payload_bytes_ = 0;
  double bytes_per_session_ = 0;
};

// How long each of many calls took, in order; without what asking the clock costs. `prepare` is not
// counted.
template <class Prepare, class Call>
std::vector<double> nanoseconds_of_each(Prepare&& prepare, Call&& call) {
  constexpr std::size_t kCalls = 200'000;
  const auto time = [](auto&& what) {
    const auto start = std::chrono::steady_clock::now();  // NOLINT(vallum-banned): as above
    what();
    const auto end = std::chrono::steady_clock::now();  // NOLINT(vallum-banned): as above
    return std::chrono::duration<double, std::nano>(end - start).count();
  };
  std::vector<double> nothing(kCalls);
  std::ranges::generate(nothing, [&time] { return time([] {}); });
  std::ranges::sort(nothing);
  std::vector<double> took(kCalls);
  std::ranges::generate(took, [&] {
    prepare();
    return time(call) - nothing[kCalls / 2];
  });
  std::ranges::sort(took);
  return took;
}

void find_among_a_million(benchmark::State& state) {
  static Million& million = *new Million();  // for all runs; the process ends soon
  const SystemClock clock;                   // NOLINT(vallum-banned): as above
  std::vector<Handle> handles(1U << 16U);
  std::mt19937_64 random(7);
  for (Handle& handle : handles) {
    handle.session_id = session_id(random() % kSessions);
    handle.issuer = "auth";
    handle.audience = {"auth", "app"};
    handle.idp_id = "idp";
  }
  const WallTime now = clock.wall();
  std::size_t next = 0;
  const auto find = [&](const Handle& handle) {
    const auto found = million.cache().find(handle, now, Duration::zero());
    if (!found || *found == nullptr) {
      std::abort();
    }
  };
  for (auto _ : state) {
    find(handles[next]);
    next = (next + 1) % handles.size();
  }
  // Who asks has just opened the handle.
  Handle handle;
  const std::vector<double> each = nanoseconds_of_each(
      [&] {
        handle = handles[next];
        next = (next + 1) % handles.size();
      },
      [&] { find(handle); });
  state.counters["p50_ns"] = each[each.size() / 2];
  state.counters["p99_ns"] = each[each.size() * 99 / 100];
  state.counters["bytes_per_session"] = million.bytes_per_session();
  state.counters["payload_bytes"] = million.payload_per_session();
}
BENCHMARK(find_among_a_million);

void read_one_of_a_million(benchmark::State& state) {
  struct Node {
    const Node* next = nullptr;
    std::array<char, 1112> rest{};  // an identity takes as much
  };
  std::vector<Node> nodes(kSessions);
  std::vector<std::size_t> order(kSessions);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::shuffle(order, std::mt19937_64(7));
  for (std::size_t i = 0; i < kSessions; ++i) {
    nodes[order[i]].next = &nodes[order[(i + 1) % kSessions]];
  }
  const Node* at = nodes.data();
  for (auto _ : state) {
    at = at->next;
    benchmark::DoNotOptimize(at);
  }
}
BENCHMARK(read_one_of_a_million);

}  // namespace
}  // namespace vallum::session
