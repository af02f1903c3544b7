#include "crypto/evp.h"

#include <string>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

namespace vallum::crypto {

void EvpFree::operator()(ECDSA_SIG_st* signature) const {
  ECDSA_SIG_free(signature);
}

void EvpFree::operator()(X509_crl_st* list) const {
  X509_CRL_free(list);
}

void EvpFree::operator()(bignum_ctx* context) const {
  BN_CTX_free(context);
}

void EvpFree::operator()(bignum_st* number) const {
  BN_clear_free(number);
}

void EvpFree::operator()(bio_st* bio) const {
  BIO_free_all(bio);
}

void EvpFree::operator()(ec_group_st* group) const {
  EC_GROUP_free(group);
}

void EvpFree::operator()(ec_point_st* point) const {
  EC_POINT_clear_free(point);
}

void EvpFree::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

void EvpFree::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

void EvpFree::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

void EvpFree::operator()(evp_pkey_ctx_st* context) const {
  EVP_PKEY_CTX_free(context);
}

void EvpFree::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

void EvpFree::operator()(ossl_param_bld_st* builder) const {
  OSSL_PARAM_BLD_free(builder);
}

void EvpFree::operator()(ossl_param_st* params) const {
  OSSL_PARAM_free(params);
}

void EvpFree::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

Error openssl_error(std::string_view context) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  std::string text(context);
  if (reason != nullptr) {
    text.append(": ").append(reason);
  }
  return {ErrorKind::InvalidInput, std::move(text)};
}

}  // namespace vallum::crypto
