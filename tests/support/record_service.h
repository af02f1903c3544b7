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
#include "databroker/rpc/record_calls.h"
#include "rpc/server.h"
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

struct RecordServiceWish {
  rpc::Certificate certificate = {};
  databroker::RecordCalls::Most most = {};
  Duration follower_stall_max = databroker::kFollowerStallMax;
  // Outlives the service; its now() is the kernel's.
  const Clock& clock = kernel_clock();
};

// A databroker on a core of its own thread, and its service.
class RecordService {
 public:
  explicit RecordService(std::unique_ptr<databroker::Store> store, RecordServiceWish wish = {})
      : core_({.reactor = *reactor_, .clock = wish.clock, .entropy = entropy_}) {
    broker_ = std::make_unique<databroker::Databroker>(
        databroker::Databroker::Parts{.home = core_,
                                      .store = std::move(store),
                                      .cores = 1,
                                      .storage = databroker::Databroker::Storage::OwnThread,
                                      .limits = {}});
    desk_ = std::make_unique<databroker::Desk>(core_, *broker_, secret_, wish.follower_stall_max);
    calls_ = std::make_unique<databroker::RecordCalls>(*desk_, wish.most);
    auto server =
        rpc::Server::start({.address = {.ip = IpAddress::loopback_v4(), .port = 0},
                            .certificate = std::move(wish.certificate),
                            .streams_per_connection_max = databroker::kStreamsPerConnectionMax,
                            .healthy = {"databroker.DataBrokerService"}},
                           {calls_.get()});
    CHECK(server.has_value());
    server_ = *std::move(server);
    thread_ = std::make_unique<async::CoreThread>(
        core_, async::CoreThread::Options{.name = "databroker", .cpu = std::nullopt});
  }
  RecordService(const RecordService&) = delete;
  RecordService& operator=(const RecordService&) = delete;
  ~RecordService() { stop(); }

  void stop() {
    if (thread_ != nullptr) {
      server_->stop();
      thread_.reset();
    }
  }
  rpc::Server& server() { return *server_; }
  // Calls that are made from now on are verified by these.
  void use(SecretList secrets) {
    core_.post([this, secrets = std::move(secrets)] { desk_->use(secrets); });
  }
  // When it was stopped.
  databroker::Desk& desk() { return *desk_; }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

 private:
  SeededEntropy entropy_{1};
  std::unique_ptr<async::EpollReactor> reactor_ = *async::EpollReactor::create();
  async::Core core_;
  Secret secret_ = record_service_secret();
  std::unique_ptr<databroker::Databroker> broker_;
  std::unique_ptr<databroker::Desk> desk_;
  std::unique_ptr<databroker::RecordCalls> calls_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<async::CoreThread> thread_;
};

}  // namespace vallum::testing
