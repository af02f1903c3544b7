#pragma once

#include <memory>
#include <string>

#include "support/temp_directory.h"

namespace vallum::testing {

// Stands between a client and a server's unix socket and cuts the wire at a chosen moment. Runs on
// a thread of its own.
class CuttingProxy {
 public:
  enum class Cut : unsigned char {
    Nowhere,
    BeforeCommit,  // the client's next COMMIT does not reach the server
    AfterCommit,   // the server's answer to the next COMMIT does not reach the client
  };

  // Port as in the name of the server's socket.
  CuttingProxy(std::string server_directory, unsigned short port);
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy();

  std::string directory() const { return directory_.path(); }
  // Cuts once. With `stays_down`, nobody is let through any more until let_through().
  void cut_next(Cut where, bool stays_down = false);
  void let_through();

 private:
  struct Native;

  TempDirectory directory_;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::testing
