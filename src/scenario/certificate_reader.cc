#include "scenario/certificate_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "codec/base64.h"
#include "crypto/digest.h"

namespace vallum::scenario {

namespace {

// One tag-length-value of DER.
struct Element {
  std::uint8_t tag = 0;
  ByteView whole;
  ByteView content;
};

class DerReader {
 public:
  explicit DerReader(ByteView bytes) : left_(bytes) {}

  bool at_end() const { return left_.empty(); }

  std::optional<Element> next() {
    if (left_.size() < 2) {
      return std::nullopt;
    }
    const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(left_[i]); };
    std::size_t header = 2;
    std::size_t length = byte(1);
    if (length > 0x80) {
      const std::size_t bytes = length - 0x80;
      if (bytes > 3 || left_.size() < 2 + bytes) {
        return std::nullopt;
      }
      length = 0;
      for (std::size_t i = 0; i < bytes; ++i) {
        length = length << 8U | byte(2 + i);
      }
      header += bytes;
    }
    if (left_.size() < header + length) {
      return std::nullopt;
    }
    const Element element{.tag = static_cast<std::uint8_t>(byte(0)),
                          .whole = left_.first(header + length),
                          .content = left_.subspan(header, length)};
    left_ = left_.subspan(header + length);
    return element;
  }

  std::optional<Element> next(std::uint8_t tag) {
    const std::optional<Element> element = next();
    return element && element->tag == tag ? element : std::nullopt;
  }

 private:
  ByteView left_;
};

constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kOctets = 0x04;
constexpr std::uint8_t kExtensions = 0xa3;
constexpr std::string_view kSubjectAltName = "\x55\x1d\x11";

void read_names(ByteView names, policy::LeafCertificate& leaf) {
  const std::optional<Element> sequence = DerReader(names).next(kSequence);
  if (!sequence) {
    return;
  }
  DerReader reader(sequence->content);
  while (const std::optional<Element> name = reader.next()) {
    const std::string text(as_text(name->content));
    if (name->tag == 0x81) {
      leaf.san_email.push_back(text);
    } else if (name->tag == 0x82) {
      leaf.san_dns.push_back(text);
    } else if (name->tag == 0x86) {
      leaf.san_uri.push_back(text);
    }
  }
}

void read_extensions(ByteView extensions, policy::LeafCertificate& leaf) {
  const std::optional<Element> sequence = DerReader(extensions).next(kSequence);
  if (!sequence) {
    return;
  }
  DerReader reader(sequence->content);
  while (const std::optional<Element> extension = reader.next(kSequence)) {
    DerReader fields(extension->content);
    const std::optional<Element> oid = fields.next(kOid);
    std::optional<Element> value = fields.next();
    if (value && value->tag != kOctets) {
      value = fields.next();  // after "critical"
    }
    if (oid && value && as_text(oid->content) == kSubjectAltName) {
      read_names(value->content, leaf);
    }
  }
}

std::optional<policy::LeafCertificate> read_der(ByteView der) {
  const std::optional<Element> certificate = DerReader(der).next(kSequence);
  if (!certificate) {
    return std::nullopt;
  }
  const std::optional<Element> to_be_signed = DerReader(certificate->content).next(kSequence);
  if (!to_be_signed) {
    return std::nullopt;
  }
  policy::LeafCertificate leaf;
  leaf.fingerprint = crypto::sha256(certificate->whole);
  DerReader fields(to_be_signed->content);
  // version, serial, algorithm, issuer, validity, subject come before the public key.
  for (int i = 0; i < 6; ++i) {
    if (!fields.next()) {
      return std::nullopt;
    }
  }
  const std::optional<Element> key = fields.next(kSequence);
  if (!key) {
    return std::nullopt;
  }
  leaf.spki_hash = crypto::sha256(key->whole);
  while (const std::optional<Element> field = fields.next()) {
    if (field->tag == kExtensions) {
      read_extensions(field->content, leaf);
    }
  }
  return leaf;
}

}  // namespace

std::optional<policy::LeafCertificate> read_leaf(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const std::size_t begin = pem.find(kBegin);
  const std::size_t end = pem.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return std::nullopt;
  }
  std::string text(pem.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  const std::optional<Bytes> der = codec::decode_base64(text, codec::Base64::Std);
  return der ? read_der(*der) : std::nullopt;
}

}  // namespace vallum::scenario
