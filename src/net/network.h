#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "net/socket_address.h"
#include "net/stream.h"

namespace vallum::net {

struct ListenOptions {
  int backlog = 4096;
  // Lets other listeners of this user share the port; the kernel spreads connections over them.
  bool share_port = true;
  // Fails when anybody listens there already, even one that shares: for the first core's listener,
  // so that a second copy of the program is noticed.
  bool refuse_taken_port = false;
};

struct ListenerCounters {
  std::uint64_t accepted = 0;
  // Times accepting paused because the process or the machine was out of descriptors or memory.
  std::uint64_t pauses = 0;
};

// Where connections arrive. Belongs to one core; destroying it closes it.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // The next connection. Running out of descriptors is waited out, not returned; the only failure
  // is Cancelled, after close(). One coroutine at a time. The listener lives until it returns.
  virtual Async<std::unique_ptr<Stream>> accept() = 0;
  virtual void close() = 0;
  // With the port that the kernel chose when 0 was asked for.
  virtual SocketAddress local_address() const = 0;
  virtual const ListenerCounters& counters() const = 0;
};

// What a core can reach: the kernel's TCP in the server, streams in memory in a simulation. Belongs
// to one core and outlives what it made.
class Network {
 public:
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network() = default;

  // Fails with text that names the address and what to do.
  virtual Result<std::unique_ptr<Listener>> listen(SocketAddress address,
                                                   ListenOptions options) = 0;
  // Returns Unavailable when the peer refuses or cannot be reached, DeadlineExceeded, or
  // ResourceExhausted when no descriptor is left; the text names the address.
  virtual Async<std::unique_ptr<Stream>> connect(SocketAddress address, Deadline deadline) = 0;
};

// Names to addresses. Belongs to one core.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // At least one address, in the order to try. An address literal (IPv6 with or without brackets)
  // is itself; localhost and names below it are loopback without asking anyone (RFC 6761 6.3).
  // Returns NotFound when the name has no address, Unavailable when nobody could tell.
  virtual Async<std::vector<IpAddress>> resolve(std::string host, Deadline deadline) = 0;
};

// The answers that need nobody: literals and localhost. Empty for other names.
std::vector<IpAddress> resolve_locally(std::string_view host);

}  // namespace vallum::net
