#include "support/sim/sim_network.h"

#include <deque>
#include <utility>

#include "async/event.h"
#include "async/sleep.h"

namespace vallum::testing {

class SimListener final : public net::Listener, private async::Timer {
 public:
  SimListener(async::Core& core, SimWires& wires, net::SocketAddress address, std::size_t backlog)
      : core_(core), wires_(wires), address_(address), backlog_(backlog), arrived_(core) {
    wires_.ports_[address_].listeners.push_back(this);
  }
  ~SimListener() override { close(); }

  Async<std::unique_ptr<net::Stream>> accept() override;
  void close() override;
  net::SocketAddress local_address() const override { return address_; }
  const net::ListenerCounters& counters() const override { return counters_; }

  async::Core& core() const { return core_; }
  bool has_room() const { return pending_.size() < backlog_; }
  void deliver(std::unique_ptr<net::Stream> stream) {
    pending_.push_back(std::move(stream));
    // By a timer, because the listener may be on another core than the one that connects.
    core_.arm(*this, core_.clock().now());
  }

 private:
  void fired() override { arrived_.set(); }

  async::Core& core_;
  SimWires& wires_;
  net::SocketAddress address_;
  std::size_t backlog_;
  async::Event arrived_;
  std::deque<std::unique_ptr<net::Stream>> pending_;
  net::ListenerCounters counters_;
  bool closed_ = false;
};

Async<std::unique_ptr<net::Stream>> SimListener::accept() {
  while (!closed_ && pending_.empty()) {
    arrived_.reset();
    co_await arrived_.wait();
  }
  if (closed_) {
    co_return fail(ErrorKind::Cancelled, "the listener was closed");
  }
  std::unique_ptr<net::Stream> stream = std::move(pending_.front());
  pending_.pop_front();
  ++counters_.accepted;
  co_return stream;
}

void SimListener::close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  pending_.clear();
  arrived_.set();
  SimWires::Port& port = wires_.ports_[address_];
  std::erase(port.listeners, this);
  if (port.listeners.empty()) {
    wires_.ports_.erase(address_);
  }
}

void SimWires::heal(net::SocketAddress address) {
  refused_.erase(address);
  silent_.erase(address);
}

SimWires::Port* SimWires::find_port(net::SocketAddress address) {
  for (const IpAddress& ip : {address.ip, net::any_address(), IpAddress()}) {
    const auto found = ports_.find({.ip = ip, .port = address.port});
    if (found != ports_.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

Result<std::unique_ptr<net::Stream>> SimWires::establish(async::Core& client_core,
                                                         net::SocketAddress address) {
  Port* port = find_port(address);
  if (port == nullptr || refused_.contains(address)) {
    return fail(ErrorKind::Unavailable, "connect to " + address.text() + ": Connection refused");
  }
  SimListener& listener = *port->listeners[port->turn++ % port->listeners.size()];
  if (!listener.has_room()) {
    return fail(ErrorKind::Unavailable, "connect to " + address.text() + ": backlog is full");
  }
  next_port_ = next_port_ == 65535 ? 20000 : static_cast<std::uint16_t>(next_port_ + 1);
  MemoryStream::Pair pair = MemoryStream::make_pair(
      client_core, listener.core(), address, {.ip = IpAddress::loopback_v4(), .port = next_port_});
  ++connections_made_;
  if (on_connect) {
    on_connect(address, pair);
  }
  listener.deliver(std::move(pair.server));
  return std::move(pair.client);
}

Result<std::unique_ptr<net::Listener>> SimNetwork::listen(net::SocketAddress address,
                                                          net::ListenOptions options) {
  if (address.port == 0) {
    address.port = ++wires_.next_port_;
  }
  const bool taken = wires_.ports_.contains(address);
  if (taken && (options.refuse_taken_port || !options.share_port)) {
    return fail(ErrorKind::Conflict, "cannot listen on " + address.text() + ": the port is in use");
  }
  return std::make_unique<SimListener>(
      core_, wires_, address, static_cast<std::size_t>(options.backlog));
}

Async<std::unique_ptr<net::Stream>> SimNetwork::connect(net::SocketAddress address,
                                                        Deadline deadline) {
  if (wires_.is_silent(address)) {
    co_await async::sleep_until(core_, deadline.at());
    co_return fail(ErrorKind::DeadlineExceeded, "connect to " + address.text() + ": timed out");
  }
  co_await async::sleep_for(core_, wires_.connect_latency);
  co_return wires_.establish(core_, address);
}

void SimResolver::set(std::string host, std::vector<IpAddress> addresses) {
  hosts_[std::move(host)] = std::move(addresses);
}

Async<std::vector<IpAddress>> SimResolver::resolve(std::string host, Deadline deadline) {
  const std::vector<IpAddress> local = net::resolve_locally(host);
  if (!local.empty()) {
    co_return local;
  }
  co_await async::sleep_until(core_, std::min(core_.now() + latency, deadline.at()));
  if (deadline.has_passed(core_.clock())) {
    co_return fail(ErrorKind::DeadlineExceeded, "resolve " + host + ": timed out");
  }
  if (down_) {
    co_return fail(ErrorKind::Unavailable, "resolve " + host + ": no name server answers");
  }
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) {
    co_return fail(ErrorKind::NotFound, "resolve " + host + ": no such name");
  }
  co_return found->second;
}

}  // namespace vallum::testing
