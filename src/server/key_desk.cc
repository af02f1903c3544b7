#include "server/key_desk.h"

#include <utility>

#include "databroker/key_messages.h"
#include "http/status_of.h"

namespace vallum::server {

namespace {

// A list reads every row; the rest is bounded by its step.
constexpr Duration kAnswerTime = std::chrono::minutes(1);

}  // namespace

Result<std::unique_ptr<KeyDesk>> KeyDesk::open(const Parts& parts, const std::string& directory) {
  TRY(auto listener, parts.network.listen_local(directory + "/vallum.sock"));
  return std::make_unique<KeyDesk>(parts, std::move(listener));
}

KeyDesk::KeyDesk(const Parts& parts, std::unique_ptr<net::Listener> listener)
    : core_(parts.core),
      broker_(parts.broker),
      log_(parts.log),
      server_(
          parts.core,
          std::move(listener),
          [this](http::Request request) { return answer(std::move(request)); },
          parts.limits) {}

Async<http::Response> KeyDesk::answer(http::Request request) {
  if (request.method != http::Method::Post) {
    co_return fail(ErrorKind::NotFound, "there is no such page");
  }
  CO_TRY(std::string text, co_await act(request.path));
  http::Response response{.status = 200, .headers = {}, .body = std::move(text)};
  response.headers.add("Content-Type", "application/json");
  co_return response;
}

Async<std::string> KeyDesk::act(std::string path) {
  const Deadline deadline = core_.deadline_in(kAnswerTime);
  if (path == "/keys/facts") {
    CO_TRY(const auto facts, co_await broker_.key_facts(deadline));
    co_return databroker::encode_key_facts(facts);
  }
  if (path == "/keys/rotate") {
    CO_TRY(const bool changed, co_await broker_.begin_key_rotation(deadline));
    log_.info(changed ? "a new data key seals records" : "a rotation of data keys is gone on with");
    co_return databroker::encode_key_change(changed);
  }
  if (path == "/keys/reseal") {
    CO_TRY(const auto step, co_await broker_.reseal_some(deadline));
    if (step.is_done) {
      log_.info("every record is sealed by the new data key; older keys are forgotten");
    }
    co_return databroker::encode_key_step(step);
  }
  if (path == "/keys/rewrap") {
    CO_TRY(const bool changed, co_await broker_.rewrap_keys(deadline));
    log_.info("data keys are wrapped by the active key-encryption key");
    co_return databroker::encode_key_change(changed);
  }
  co_return fail(ErrorKind::NotFound, "there is no such page");
}

}  // namespace vallum::server
