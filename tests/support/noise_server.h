#pragma once

#include <memory>
#include <string>

namespace vallum::testing {

// Accepts connections on a port of 127.0.0.1, says something that is no protocol, and closes them.
// On a thread of its own.
class NoiseServer {
 public:
  NoiseServer();
  NoiseServer(const NoiseServer&) = delete;
  NoiseServer& operator=(const NoiseServer&) = delete;
  ~NoiseServer();

  std::string address() const;

 private:
  struct Native;

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::testing
