#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "async/core.h"
#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "base/check.h"
#include "databroker/databroker.h"
#include "databroker/rpc/desk.h"
#include "databroker/rpc/record_server.h"
#include "support/seeded_entropy.h"

namespace vallum::testing {

// 00 01 .. 1f, the key of the specification's examples.
inline Secret record_service_secret() {
  std::string key;
  for (char c = 0; c < 32; ++c) {
    key.push_back(c);
  }
  return Secret(std::string_view(key));
}

// Sockets and threads live in real time.
inline const Clock& kernel_clock() {
  static const SystemClock kClock;  // NOLINT(vallum-banned): see above
  return kClock;
}

// A databroker on a core of its own thread, and its service. The clock outlives it; its now() is
// the kernel's.
class RecordService {
 public:
  explicit RecordService(std::unique_ptr<databroker::Store> store,
                         databroker::RecordServerOptions options = {},
                         Duration follower_stall_max = databroker::kFollowerStallMax,
                         const Clock& clock = kernel_clock())
      : core_({.reactor = *reactor_, .clock = clock, .entropy = entropy_}) {
    broker_ = std::make_unique<databroker::Databroker>(
        databroker::Databroker::Parts{.home = core_,
                                      .store = std::move(store),
                                      .cores = 1,
                                      .storage = databroker::Databroker::Storage::OwnThread,
                                      .limits = {}});
    desk_ = std::make_unique<databroker::Desk>(core_, *broker_, secret_, follower_stall_max);
    options.address = {.ip = IpAddress::loopback_v4(), .port = 0};
    auto server = databroker::RecordServer::start(options, *desk_);
    CHECK(server.has_value());
    server_ = *std::move(server);
    thread_ = std::make_unique<async::CoreThread>(
        core_, async::CoreThread::Options{.name = "databroker", .cpu = std::nullopt});
  }
  RecordService(const RecordService&) = delete;
  RecordService& operator=(const RecordService&) = delete;
  ~RecordService() {
    server_->stop();
    thread_.reset();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

 private:
  SeededEntropy entropy_{1};
  std::unique_ptr<async::EpollReactor> reactor_ = *async::EpollReactor::create();
  async::Core core_;
  Secret secret_ = record_service_secret();
  std::unique_ptr<databroker::Databroker> broker_;
  std::unique_ptr<databroker::Desk> desk_;
  std::unique_ptr<databroker::RecordServer> server_;
  std::unique_ptr<async::CoreThread> thread_;
};

}  // namespace vallum::testing
