#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/evp.h"

struct X509_name_st;
struct asn1_string_st;

// Certificates as OpenSSL holds them, for the files of this module.
namespace vallum::crypto {

// All of a PEM bundle in order; see read_certificates(). At most 1 MiB and 1000 certificates.
Result<std::vector<Evp<x509_st>>> load_certificates(std::string_view pem);

// Of text that outlives the reader.
Evp<bio_st> reader_of(std::string_view text);

// The bytes of a string of any type.
std::string text_of(const asn1_string_st* text);

// What the clock cannot hold becomes its first or last instant: 9999 means "never".
WallTime time_of(const asn1_string_st* time);

// SHA-256 of the DER text.
Digest256 fingerprint_of(const x509_st* certificate);
Digest256 fingerprint_of(const X509_crl_st* list);
Digest256 spki_fingerprint_of(const x509_st* certificate);

// By RFC 4514, in UTF-8: "CN=alice,O=Example". "" for a name without parts.
std::string name_text(const X509_name_st* name);

}  // namespace vallum::crypto
