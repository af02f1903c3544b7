#include "crypto/pkey.h"

#include <array>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

constexpr std::size_t kPemBytesMax = std::size_t{1} << 20;

// A key file with a passphrase is refused instead of asking on a terminal nobody watches.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

// n of P-256 (FIPS 186-5), minus one.
constexpr const char* kP256OrderMinusOne =
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550";

Bytes p256_public_point(const BIGNUM* scalar, BN_CTX* numbers) {
  const Evp<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Evp<EC_POINT> point(EC_POINT_new(group.get()));
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

const char* group_name(Curve curve) {
  static constexpr std::array<const char*, 3> kNames = {"prime256v1", "secp384r1", "secp521r1"};
  return kNames[static_cast<std::size_t>(curve)];
}

Evp<OSSL_PARAM> params_of(OSSL_PARAM_BLD* builder) {
  Evp<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder));
  CHECK(params != nullptr);
  return params;
}

Result<Evp<EVP_PKEY>> key_from(const char* algorithm, int selection, OSSL_PARAM* params) {
  const Evp<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  CHECK(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params) != 1) {
    return fail(openssl_error("key: not valid"));
  }
  return Evp<EVP_PKEY>(key);
}

}  // namespace

std::size_t coordinate_bytes(Curve curve) {
  static constexpr std::array<std::size_t, 3> kBytes = {32, 48, 66};
  return kBytes[static_cast<std::size_t>(curve)];
}

Result<Evp<evp_pkey_st>> read_private_key(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return fail(ErrorKind::InvalidInput, "private key: longer than 1 MiB");
  }
  const Evp<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr);
  Evp<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    return fail(openssl_error("private key: cannot be read (PEM without passphrase expected)"));
  }
  return key;
}

Evp<evp_pkey_st> p256_key_from(ByteView forty_bytes) {
  CHECK(forty_bytes.size() == 40);
  const Evp<BN_CTX> numbers(BN_CTX_secure_new());
  const Evp<BIGNUM> scalar(BN_bin2bn(as_uchar(forty_bytes), 40, nullptr));
  BIGNUM* order_read = nullptr;
  CHECK(BN_hex2bn(&order_read, kP256OrderMinusOne) > 0);
  const Evp<BIGNUM> order_minus_one(order_read);
  CHECK(BN_mod(scalar.get(), scalar.get(), order_minus_one.get(), numbers.get()) == 1);
  CHECK(BN_add_word(scalar.get(), 1) == 1);
  const Bytes point = p256_public_point(scalar.get(), numbers.get());

  const Evp<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get(), 32) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  const Evp<OSSL_PARAM> params = params_of(builder.get());
  auto key = key_from("EC", EVP_PKEY_KEYPAIR, params.get());
  CHECK(key.has_value());
  return *std::move(key);
}

Result<Evp<evp_pkey_st>> rsa_public_key(ByteView modulus, ByteView exponent) {
  const Evp<BIGNUM> n(BN_bin2bn(as_uchar(modulus), static_cast<int>(modulus.size()), nullptr));
  const Evp<BIGNUM> e(BN_bin2bn(as_uchar(exponent), static_cast<int>(exponent.size()), nullptr));
  CHECK(n != nullptr && e != nullptr);
  const Evp<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  const Evp<OSSL_PARAM> params = params_of(builder.get());
  return key_from("RSA", EVP_PKEY_PUBLIC_KEY, params.get());
}

Result<Evp<evp_pkey_st>> ec_public_key(Curve curve, ByteView x, ByteView y) {
  Bytes point(1, std::byte{POINT_CONVERSION_UNCOMPRESSED});
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  const Evp<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group_name(curve), 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  const Evp<OSSL_PARAM> params = params_of(builder.get());
  TRY(auto key, key_from("EC", EVP_PKEY_PUBLIC_KEY, params.get()));
  const Evp<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  CHECK(context != nullptr);
  if (EVP_PKEY_public_check(context.get()) != 1) {
    return fail(openssl_error("key: not a point of its curve"));
  }
  return key;
}

Result<Evp<evp_pkey_st>> ed25519_public_key(ByteView point) {
  Evp<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, as_uchar(point), point.size()));
  if (key == nullptr) {
    return fail(openssl_error("key: not an Ed25519 key"));
  }
  return key;
}

Bytes key_number(const evp_pkey_st* key, const char* name, std::size_t bytes_min) {
  BIGNUM* read = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &read) == 1);
  const Evp<BIGNUM> number(read);
  const auto bytes = static_cast<std::size_t>(BN_num_bytes(number.get()));
  Bytes out(bytes < bytes_min ? bytes_min : bytes);
  CHECK(BN_bn2binpad(number.get(), as_uchar(ByteSpan(out)), static_cast<int>(out.size())) >= 0);
  return out;
}

}  // namespace vallum::crypto
