#pragma once

#include <cstddef>
#include <string>

#include "async/task.h"
#include "base/time.h"
#include "http/message.h"
#include "http/syntax/uri.h"

namespace vallum::http {

// A call to somebody else's server: an identity provider, mostly.
struct ClientRequest {
  Uri url;
  Method method = Method::Get;  // Get or Post
  Headers headers = {};
  std::string body = {};  // of a Post
  // What the answer's body may have; a longer one is an error, not cut.
  std::size_t body_bytes_max = std::size_t{1} << 20;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;

  bool is_success() const { return status >= 200 && status < 300; }
};

// Sends requests and returns whole answers. Belongs to one core.
class HttpClient {
 public:
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;

  // Returns the answer whatever its status. Follows no redirect and repeats nothing. The query of
  // the URL is in no error text. Fails with InvalidInput (a method that is not Get or Post),
  // DeadlineExceeded, Unavailable (no connection, a certificate that is not trusted, an answer that
  // breaks off), and ResourceExhausted (an answer above its limit, too many requests under way).
  // Destroying the task abandons the request.
  virtual Async<ClientResponse> fetch(ClientRequest request, Deadline deadline) = 0;
};

}  // namespace vallum::http
