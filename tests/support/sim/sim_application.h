#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "base/unique_function.h"
#include "net/network.h"
#include "support/sim/sim_world.h"

namespace vallum::testing {

// An application or a provider outside the process under test: an HTTP/1.1 server that records
// every byte it is sent and answers what it is told. It reads requests strictly enough to notice
// one that a proxy must not send, and lives on the world's outside core.
class SimApplication {
 public:
  struct Request {
    std::string head;  // as it came, with the empty line
    std::string body;  // decoded
  };
  // The whole answer, as bytes.
  using Answer = UniqueFunction<std::string(const Request&)>;

  // `world` outlives this.
  SimApplication(SimWorld& world, net::SocketAddress address);
  SimApplication(const SimApplication&) = delete;
  SimApplication& operator=(const SimApplication&) = delete;

  // "HTTP/1.1 200 OK" with "hello" until told otherwise.
  void answer_with(Answer answer) { answer_ = std::move(answer); }
  // Sees each head as soon as it is whole, before its body.
  UniqueFunction<void(const std::string&)> on_head;
  // The three below count as they stand when an answer has been made, so that an Answer may set
  // them for itself. Before each answer, and in each answer between its halves.
  Duration think_time{0};
  // Closes the connection in order after that many bytes of each answer.
  std::size_t close_after_answer_bytes = std::string::npos;
  // Closes the connection after each answer without having said so.
  bool closes_silently = false;

  net::SocketAddress address() const { return address_; }
  std::size_t requests_seen() const { return requests_.size(); }
  const std::vector<Request>& requests() const { return requests_; }
  std::size_t connections_seen() const { return connections_seen_; }
  // Everything that was received on all connections, in order of arrival.
  const std::string& received() const { return received_; }

 private:
  Task<void> accept_all();
  Task<void> serve(std::unique_ptr<net::Stream> stream);
  Async<bool> serve_one(net::Stream* stream, std::string* buffered);
  Async<std::string> read_line_block(net::Stream* stream, std::string* buffered);
  Async<std::string> read_bytes(net::Stream* stream, std::string* buffered, std::size_t count);
  Async<std::string> read_body(net::Stream* stream, std::string* buffered, std::string head);
  Async<void> read_more(net::Stream* stream, std::string* buffered);
  Async<void> write_answer(net::Stream* stream, std::string answer, Duration pause);

  SimWorld& world_;
  net::SocketAddress address_;
  std::unique_ptr<net::Listener> listener_;
  Answer answer_;
  std::vector<Request> requests_;
  std::string received_;
  std::size_t connections_seen_ = 0;
  async::Scope scope_;
};

}  // namespace vallum::testing
