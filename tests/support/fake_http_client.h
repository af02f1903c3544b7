#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/core.h"
#include "async/sleep.h"
#include "http/client.h"

namespace vallum::testing {

// Other people's servers, without a network: each origin is a function from request to answer, and
// may be slow, hang or be down. Time is the core's.
//
//   FakeHttpClient web(fake.core);
//   web.serve("https://idp.example", [](const http::ClientRequest& r) { return json("{}"); });
//   web.origin("https://idp.example").delay = std::chrono::seconds(3);
class FakeHttpClient final : public http::HttpClient {
 public:
  using Answer = Result<http::ClientResponse>;
  using Responder = std::function<Answer(const http::ClientRequest&)>;

  struct Origin {
    std::string name = {};
    Responder responder = {};
    Duration delay{0};
    // What every request fails with while set; Error(Unavailable) for a refused connection.
    std::optional<Error> fault = {};
    // Never answers: a request ends at its deadline.
    bool hangs = false;
    std::vector<http::ClientRequest> requests = {};
  };

  explicit FakeHttpClient(async::Core& core) : core_(core) {}

  // Adds or replaces an origin ("https://idp.example", no slash at the end).
  void serve(std::string_view name, Responder responder) {
    ensure(name).responder = std::move(responder);
  }
  // Until the next origin is added.
  Origin& origin(std::string_view name) { return ensure(name); }

  Async<http::ClientResponse> fetch(http::ClientRequest request, Deadline deadline) override {
    ++under_way_;
    const Leave leave(this);
    const std::string name(request.url.origin());
    const Origin* const found = find(name);
    if (found == nullptr) {
      co_return fail(ErrorKind::Unavailable, name + ": no such host");
    }
    const std::size_t body_bytes_max = request.body_bytes_max;
    Origin& origin = ensure(name);
    origin.requests.push_back(std::move(request));
    const std::size_t index = origin.requests.size() - 1;
    const Instant ready = origin.hangs ? Instant::max() : core_.now() + origin.delay;
    co_await async::sleep_until(core_, std::min(ready, deadline.at()));
    if (ready > deadline.at()) {
      co_return fail(ErrorKind::DeadlineExceeded, name + ": no answer in time");
    }
    // The world may have changed while it slept.
    Origin& now = ensure(name);
    if (now.fault) {
      co_return fail(*now.fault);
    }
    Answer answer = now.responder(now.requests[index]);
    if (answer && answer->body.size() > body_bytes_max) {
      co_return fail(ErrorKind::ResourceExhausted, name + ": the answer is longer than allowed");
    }
    co_return answer;
  }

  // Requests that have not been answered.
  std::size_t under_way() const { return under_way_; }

 private:
  class Leave {
   public:
    explicit Leave(FakeHttpClient* client) : client_(client) {}
    Leave(const Leave&) = delete;
    Leave& operator=(const Leave&) = delete;
    ~Leave() { --client_->under_way_; }

   private:
    FakeHttpClient* client_;
  };

  Origin* find(std::string_view name) {
    for (Origin& origin : origins_) {
      if (origin.name == name) {
        return &origin;
      }
    }
    return nullptr;
  }
  Origin& ensure(std::string_view name) {
    if (Origin* found = find(name)) {
      return *found;
    }
    return origins_.emplace_back(Origin{.name = std::string(name)});
  }

  async::Core& core_;
  std::vector<Origin> origins_;
  std::size_t under_way_ = 0;
};

// Answers for responders.
inline FakeHttpClient::Answer answer_text(int status, std::string_view type, std::string body) {
  http::ClientResponse response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.add("Content-Type", type);
  return response;
}
inline FakeHttpClient::Answer answer_json(std::string body, int status = 200) {
  return answer_text(status, "application/json", std::move(body));
}

}  // namespace vallum::testing
