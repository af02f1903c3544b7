#include "support/deployment/tls_deployment.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <future>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/unique_fd.h"
#include "base/check.h"
#include "base/strings.h"
#include "config/load.h"
#include "databroker/store/memory_store.h"
#include "server/build_generation.h"

namespace vallum::testing {

namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

struct CloseFile {
  void operator()(FILE* file) const { ::pclose(file); }
};

}  // namespace

class TlsDeployment::OwnAnswers final : public proxy::OwnEndpoints {
 public:
  Async<http::Response> answer(authenticate::Visit /*visit*/, Deadline /*deadline*/) override {
    co_return http::Response{.status = 200, .headers = {}, .body = "own"};
  }
  Async<http::Response> start_login(authenticate::Visit /*visit*/, Deadline /*deadline*/) override {
    co_return http::Response{.status = 200, .headers = {}, .body = "login"};
  }
};

TlsDeployment::TlsDeployment(const TempDirectory& files, const std::string& configuration)
    : files_(files),
      broker_({.home = kernel_.core,
               .store = std::make_unique<databroker::MemoryStore>(kernel_.entropy),
               .cores = 1,
               .storage = databroker::Databroker::Storage::OnCallingCore}),
      own_(std::make_unique<OwnAnswers>()) {
  proxy_core_ = std::make_unique<server::ProxyCore>(
      server::ProxyCore::Parts{.core = kernel_.core,
                               .network = network_,
                               .resolver = *resolver_,
                               .broker = broker_,
                               .lane = lane_,
                               .metrics = metrics_,
                               .shared_key = shared_key_,
                               .signing_keys = keys_,
                               .own_endpoints = *own_,
                               .ticket_seed = ticket_seed_,
                               .authorizer = {},
                               .generation = build(configuration)});
  const auto bound = proxy_core_->listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  CHECK(bound.has_value());
  address_ = bound->text();
  serving_.spawn(serve_application());
  thread_.emplace(kernel_.core, async::CoreThread::Options{.name = "core", .cpu = std::nullopt});
}

TlsDeployment::~TlsDeployment() {
  std::promise<void> ended;
  auto end = [](TlsDeployment* self, std::promise<void>* done) -> Task<void> {
    const Deadline deadline = self->kernel_.core.deadline_in(std::chrono::seconds(1));
    co_await self->proxy_core_->drain(deadline);
    self->application_->close();
    co_await self->serving_.drain(deadline);
    done->set_value();
  };
  kernel_.core.post([&] { proxy_core_->tasks().spawn(end(this, &ended)); });
  ended.get_future().wait();
  thread_.reset();
}

async::Snapshot<proxy::Generation> TlsDeployment::build(const std::string& configuration) {
  std::string text = configuration;
  constexpr std::string_view kName = "APPLICATION";
  for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName)) {
    text.replace(at, kName.size(), "http://" + application_->local_address().text());
  }
  const config::Environment nothing;
  const config::DiskFiles disk(files_.path());
  config::Loaded loaded =
      config::load_text(text,
                        config::Format::Yaml,
                        "test.yaml",
                        {.environment = nothing, .files = disk, .now = kernel_.clock.wall()});
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    EXPECT_NE(diagnostic.severity, config::Severity::Error) << diagnostic.text();
  }
  CHECK(loaded.settings.has_value());
  loaded.settings->shared_secret = shared_key_.clone();
  std::vector<std::string> warnings;
  auto made =
      server::build_generation(async::make_snapshot<config::Settings>(*std::move(loaded.settings)),
                               {.number = ++generations_,
                                .cores = 1,
                                .now = kernel_.clock.wall(),
                                .entropy = kernel_.entropy,
                                .speaks_tls = true},
                               &warnings);
  CHECK(made.has_value());
  return *std::move(made);
}

void TlsDeployment::run_there(const std::function<void()>& task) {
  std::promise<void> done;
  kernel_.core.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void TlsDeployment::use(const std::string& configuration) {
  const auto generation = build(configuration);
  run_there([&] { proxy_core_->use(generation); });
}

Task<void> TlsDeployment::serve_application() {
  while (true) {
    auto accepted = co_await application_->accept();
    if (!accepted) {
      co_return;
    }
    serving_.spawn(answer(this, *std::move(accepted)));
  }
}

// One request for each connection; a WebSocket says nothing until its peer leaves.
Task<void> TlsDeployment::answer(TlsDeployment* self, std::unique_ptr<net::Stream> stream) {
  const Deadline deadline = self->kernel_.core.deadline_in(kPatience);
  std::string head;
  Bytes piece(4096);
  while (!head.contains("\r\n\r\n")) {
    const auto size = co_await net::read_some(stream.get(), piece, deadline);
    if (!size || *size == 0) {
      co_return;
    }
    head += as_text(ByteView(piece).first(*size));
  }
  const bool upgrades = to_lower(head).contains("upgrade: websocket");
  const std::string text =
      upgrades ? "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
                 "websocket\r\n\r\n"
               : "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 11\r\n\r\napplication";
  co_await net::write_all(stream.get(), as_bytes(text), deadline);
  if (upgrades) {
    co_await net::read_some(stream.get(), piece, deadline);
  }
}

std::string TlsDeployment::talk(const std::string& options,
                                const std::string& bytes,
                                const std::function<std::string()>& answered) {
  std::ofstream(files_.file("request"), std::ios::binary) << bytes;
  const std::string more = files_.file("more");
  ::unlink(more.c_str());
  if (answered) {
    CHECK(::mkfifo(more.c_str(), 0600) == 0);
  } else {
    std::ofstream(more, std::ios::binary).flush();
  }
  const std::string command = "cat " + files_.file("request") + " " + more +
                              " | timeout 30 openssl s_client -quiet -connect " + address_ + " " +
                              options + " 2>&1";
  const std::unique_ptr<FILE, CloseFile> process(::popen(command.c_str(), "r"));
  std::string output;
  std::array<char, 4096> line{};
  bool told = false;
  while (std::fgets(line.data(), line.size(), process.get()) != nullptr) {
    output += line.data();
    if (answered && !told && output.contains("HTTP/1.1 ")) {
      told = true;
      const std::string rest = answered();
      std::ofstream(more, std::ios::binary) << rest;
    }
  }
  if (answered && !told) {
    // The one who waits for more is let go.
    const async::UniqueFd release(::open(more.c_str(), O_RDWR | O_CLOEXEC));
  }
  return output;
}

std::string TlsDeployment::records_with(std::string_view text) {
  const Deadline give_up(kernel_.clock.now() + kPatience);
  std::string all = records();
  while (!all.contains(text) && !give_up.has_passed(kernel_.clock)) {
    run_there([] {});
    all = records();
  }
  return all;
}

std::string TlsDeployment::records() {
  while (writer_.drain() == telemetry::LineWriter::Progress::Moved) {
  }
  return output_.text();
}

}  // namespace vallum::testing
