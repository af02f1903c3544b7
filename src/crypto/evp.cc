#include "crypto/evp.h"

#include <string>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

// A key file with a passphrase is refused instead of asking on a terminal nobody watches.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

struct Free {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr std::size_t kPemBytesMax = std::size_t{1} << 20;

// n of P-256 (FIPS 186-5), minus one.
constexpr const char* kP256OrderMinusOne =
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550";

Bytes p256_public_point(const BIGNUM* scalar, BN_CTX* numbers) {
  const Owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Owned<EC_POINT> point(EC_POINT_new(group.get()));
  CHECK(EC_POINT_mul(group.get(), point.get(), scalar, nullptr, nullptr, numbers) == 1);
  Bytes out(65);
  CHECK(EC_POINT_point2oct(group.get(),
                           point.get(),
                           POINT_CONVERSION_UNCOMPRESSED,
                           as_uchar(ByteSpan(out)),
                           out.size(),
                           numbers) == out.size());
  return out;
}

}  // namespace

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

Result<Evp<evp_pkey_st>> read_private_key(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return fail(ErrorKind::InvalidInput, "private key: longer than 1 MiB");
  }
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr);
  Evp<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    return fail(openssl_error("private key: cannot be read (PEM without passphrase expected)"));
  }
  return key;
}

Evp<evp_pkey_st> p256_key_from(ByteView forty_bytes) {
  CHECK(forty_bytes.size() == 40);
  const Owned<BN_CTX> numbers(BN_CTX_secure_new());
  const Owned<BIGNUM> scalar(BN_bin2bn(as_uchar(forty_bytes), 40, nullptr));
  BIGNUM* order_read = nullptr;
  CHECK(BN_hex2bn(&order_read, kP256OrderMinusOne) > 0);
  const Owned<BIGNUM> order_minus_one(order_read);
  CHECK(BN_mod(scalar.get(), scalar.get(), order_minus_one.get(), numbers.get()) == 1);
  CHECK(BN_add_word(scalar.get(), 1) == 1);
  const Bytes point = p256_public_point(scalar.get(), numbers.get());

  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get(), 32) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  CHECK(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  CHECK(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return Evp<EVP_PKEY>(key);
}

}  // namespace vallum::crypto
