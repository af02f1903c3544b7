#pragma once

#include <memory>

// The names OpenSSL gives its own structs, so that its headers stay inside .cc files.
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct x509_st;

namespace vallum::crypto {

// One deleter for every OpenSSL object this module keeps.
struct EvpFree {
  void operator()(evp_cipher_ctx_st* context) const;
  void operator()(evp_mac_ctx_st* context) const;
  void operator()(evp_md_ctx_st* context) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(x509_st* certificate) const;
};

template <class T>
using Evp = std::unique_ptr<T, EvpFree>;

}  // namespace vallum::crypto
