#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"

// The names OpenSSL gives its own structs, so that its headers stay inside .cc files.
struct ECDSA_SIG_st;
struct X509_crl_st;
struct bignum_ctx;
struct bignum_st;
struct bio_st;
struct ec_group_st;
struct ec_point_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_ctx_st;
struct evp_pkey_st;
struct ossl_param_bld_st;
struct ossl_param_st;
struct x509_st;

namespace vallum::crypto {

// One deleter for every OpenSSL object this module keeps. Numbers are wiped.
struct EvpFree {
  void operator()(ECDSA_SIG_st* signature) const;
  void operator()(X509_crl_st* list) const;
  void operator()(bignum_ctx* context) const;
  void operator()(bignum_st* number) const;
  void operator()(bio_st* bio) const;
  void operator()(ec_group_st* group) const;
  void operator()(ec_point_st* point) const;
  void operator()(evp_cipher_ctx_st* context) const;
  void operator()(evp_mac_ctx_st* context) const;
  void operator()(evp_md_ctx_st* context) const;
  void operator()(evp_pkey_ctx_st* context) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(ossl_param_bld_st* builder) const;
  void operator()(ossl_param_st* params) const;
  void operator()(x509_st* certificate) const;
};

template <class T>
using Evp = std::unique_ptr<T, EvpFree>;

// InvalidInput, "context: reason" with OpenSSL's last reason. Empties the thread's error queue,
// where TLS code would otherwise find the leftovers and blame a connection.
Error openssl_error(std::string_view context);

}  // namespace vallum::crypto
