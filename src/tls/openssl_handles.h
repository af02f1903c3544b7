#pragma once

#include <memory>
#include <string>

// The names OpenSSL gives its own structs, so that its headers stay inside .cc files.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct x509_store_st;

namespace vallum::tls {

struct SslFree {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
  void operator()(x509_store_st* store) const;
};

template <class T>
using Ssl = std::unique_ptr<T, SslFree>;

// The reasons in the thread's error queue, for a person; empties the queue.
std::string take_openssl_errors();

}  // namespace vallum::tls
