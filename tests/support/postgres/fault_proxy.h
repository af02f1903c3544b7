#pragma once

#include <memory>
#include <string>

namespace vallum::testing {

// A network that can be told to fail, between clients and a server's unix socket: listens on a TCP
// port of 127.0.0.1, in clear text, and passes on what comes, piece by piece as it was read. Runs
// on a thread of its own; what it is told holds when the call returns.
class FaultProxy {
 public:
  enum class Fault : unsigned char {
    Cut,        // the wire is reset; others are not touched
    Freeze,     // nothing passes on that wire any more, and nobody is told
    CutAll,     // all wires are reset, and new ones at once, until heal()
    FreezeAll,  // nothing passes, also on new wires, until heal()
  };
  enum class Moment : unsigned char {
    CommitRequest,  // the client's COMMIT, which does not reach the server
    CommitAnswer,   // the server's answer to it, which does not reach the client
  };

  // Port as in the name of the server's socket.
  FaultProxy(const std::string& server_directory, unsigned short port);
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;
  ~FaultProxy();

  std::string address(const std::string& database) const;

  // On all wires, now: CutAll or FreezeAll.
  void fail_now(Fault fault);
  // All wires are reset, and new ones pass.
  void reset_now();
  // Once, at the next such piece. It is dropped with Cut, kept with Freeze.
  void fail_next(Moment moment, Fault fault);
  // Once, at the n-th piece from now on (counted from 1), whichever way it goes.
  void fail_at_piece(int number, Fault fault);
  // Whether that piece came; if not, it is no longer waited for.
  bool did_fail();
  // Everything passes again; what was frozen goes on with what it was keeping.
  void heal();
  // Each piece waits for so long.
  void delay_pieces(int millis);

 private:
  struct Native;

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::testing
