#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/evp.h"

// Keys as OpenSSL holds them, for the files of this module.
namespace vallum::crypto {

enum class Curve : std::uint8_t { P256, P384, P521 };

// Bytes of one coordinate.
std::size_t coordinate_bytes(Curve curve);

// Reads the first private key of PEM text; never asks for a passphrase.
Result<Evp<evp_pkey_st>> read_private_key(std::string_view pem);

// A P-256 key from 40 random or derived bytes: their big-endian value modulo (n - 1), plus 1 (FIPS
// 186-5 A.2.1).
Evp<evp_pkey_st> p256_key_from(ByteView forty_bytes);

// Public keys from their numbers, big-endian. InvalidInput when OpenSSL refuses them: a point that
// is not on its curve, say.
Result<Evp<evp_pkey_st>> rsa_public_key(ByteView modulus, ByteView exponent);
Result<Evp<evp_pkey_st>> ec_public_key(Curve curve, ByteView x, ByteView y);
Result<Evp<evp_pkey_st>> ed25519_public_key(ByteView point);

// A number of an RSA or EC key, big-endian, padded to `bytes_min`. `name` is an OSSL_PKEY_PARAM.
Bytes key_number(const evp_pkey_st* key, const char* name, std::size_t bytes_min);

}  // namespace vallum::crypto
