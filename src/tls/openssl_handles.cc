#include "tls/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace vallum::tls {

void SslFree::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

void SslFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

void SslFree::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

void SslFree::operator()(x509_store_st* store) const {
  X509_STORE_free(store);
}

std::string take_openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (reason == nullptr) {
      continue;
    }
    if (!text.empty()) {
      text += ", ";
    }
    text += reason;
  }
  return text;
}

}  // namespace vallum::tls
