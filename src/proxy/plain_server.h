#pragma once

#include <memory>
#include <string>

#include "async/scope.h"
#include "async/task.h"
#include "base/unique_function.h"
#include "http/message.h"
#include "http/syntax/h1.h"
#include "net/network.h"
#include "proxy/limits.h"

namespace vallum::proxy {

// A small HTTP server without TLS, for what is not the proxy itself: the redirect to https, health,
// metrics, and what `vallum dev` embeds. One request per connection, read whole within the limits
// of own endpoints; the path arrives as the client sent it. Home core only.
class PlainServer {
 public:
  // Answers at once; runs on the server's core.
  using Handler = UniqueFunction<http::Response(const http::Request&)>;
  // Answers when it can; a failure is answered by its kind. Outlives what it returns.
  using SlowHandler = UniqueFunction<Async<http::Response>(http::Request)>;

  PlainServer(async::Core& core,
              std::unique_ptr<net::Listener> listener,
              Handler handler,
              const Limits& limits);
  PlainServer(async::Core& core,
              std::unique_ptr<net::Listener> listener,
              SlowHandler handler,
              const Limits& limits);
  PlainServer(const PlainServer&) = delete;
  PlainServer& operator=(const PlainServer&) = delete;

  // Accepts until close().
  Task<void> run();
  void close() { listener_->close(); }
  net::SocketAddress local_address() const { return listener_->local_address(); }

 private:
  // Beyond, a connection is closed at once.
  static constexpr std::size_t kConnectionsMax = 1024;

  Task<void> serve(std::unique_ptr<net::Stream> stream);
  Async<http::Response> read_and_answer(net::Stream* stream, bool* is_head);
  Async<std::string> read_body(net::Stream* stream,
                               std::string* buffered,
                               http::BodyFraming framing,
                               Deadline deadline);

  async::Core& core_;
  std::unique_ptr<net::Listener> listener_;
  Handler handler_;
  SlowHandler slow_handler_;  // where there is no other
  Limits limits_;
  async::Scope connections_;
};

}  // namespace vallum::proxy
