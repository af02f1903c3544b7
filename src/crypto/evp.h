#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

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

// "context: reason" with OpenSSL's last reason. Empties the thread's error queue, where TLS code
// would otherwise find the leftovers and blame a connection.
Error openssl_error(std::string_view context);

// Reads the first private key of PEM text; never asks for a passphrase.
Result<Evp<evp_pkey_st>> read_private_key(std::string_view pem);

// A P-256 key from 40 random or derived bytes: their big-endian value modulo (n - 1), plus 1 (FIPS
// 186-5 A.2.1).
Evp<evp_pkey_st> p256_key_from(ByteView forty_bytes);

}  // namespace vallum::crypto
