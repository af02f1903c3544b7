#include "crypto/evp.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace vallum::crypto {

void EvpFree::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

void EvpFree::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

void EvpFree::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

void EvpFree::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

void EvpFree::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

}  // namespace vallum::crypto
