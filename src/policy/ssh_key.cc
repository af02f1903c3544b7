#include "policy/ssh_key.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/bytes.h"
#include "base/strings.h"
#include "codec/base64.h"

namespace vallum::policy {

namespace {

// Takes fields off the front of an encoding (RFC 4251 5). Once a field was short, all are.
class WireReader {
 public:
  explicit WireReader(std::string_view wire) : left_(wire) {}

  std::string_view string() {
    const std::size_t size = u32();
    return take(size);
  }
  std::uint32_t u32() {
    const std::string_view bytes = take(4);
    return bytes.size() == 4 ? load_be32(as_bytes(bytes).data()) : 0;
  }
  std::uint64_t u64() {
    const std::string_view bytes = take(8);
    return bytes.size() == 8 ? load_be64(as_bytes(bytes).data()) : 0;
  }
  bool at_end() const { return ok_ && left_.empty(); }
  bool ok() const { return ok_; }
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view take(std::size_t size) {
    if (!ok_ || left_.size() < size) {
      ok_ = false;
      return {};
    }
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }

  std::string_view left_;
  bool ok_ = true;
};

struct CurveForm {
  std::string_view name;
  std::size_t point_bytes;
};

constexpr std::array<CurveForm, 3> kCurves{{{"nistp256", 65}, {"nistp384", 97}, {"nistp521", 133}}};

bool read_point(std::string_view curve, WireReader& reader) {
  const auto* const form = std::ranges::find(kCurves, curve, &CurveForm::name);
  const std::string_view named = reader.string();
  const std::string_view point = reader.string();
  return form != kCurves.end() && named == curve && point.size() == form->point_bytes &&
         point.front() == '\x04';
}

// A positive multiple precision integer, RFC 4251 5.
bool read_positive(WireReader& reader) {
  const std::string_view integer = reader.string();
  return !integer.empty() && (static_cast<unsigned char>(integer.front()) & 0x80U) == 0 &&
         integer.find_first_not_of('\0') != std::string_view::npos;
}

bool read_positives(int count, WireReader& reader) {
  bool ok = true;
  for (int i = 0; i < count; ++i) {
    ok = ok && read_positive(reader);
  }
  return ok;
}

// The fields of a plain key after its type name.
bool read_key_fields(std::string_view type, WireReader& reader) {
  constexpr std::string_view kEcdsa = "ecdsa-sha2-";
  if (type == "ssh-ed25519") {
    return reader.string().size() == 32;
  }
  if (type == "sk-ssh-ed25519@openssh.com") {
    return reader.string().size() == 32 && !reader.string().empty();
  }
  if (type == "sk-ecdsa-sha2-nistp256@openssh.com") {
    return read_point("nistp256", reader) && !reader.string().empty();
  }
  if (type == "ssh-rsa") {
    return read_positives(2, reader);
  }
  if (type == "ssh-dss") {
    return read_positives(4, reader);
  }
  return type.starts_with(kEcdsa) && read_point(type.substr(kEcdsa.size()), reader);
}

constexpr std::string_view kCertificateMark = "-cert-v01@openssh.com";

// The type of the key a certificate type certifies: "ssh-ed25519-cert-v01@openssh.com" gives
// "ssh-ed25519", the sk- types keep their domain.
std::string certified_type(std::string_view type) {
  const std::string_view stem = type.substr(0, type.size() - kCertificateMark.size());
  return std::string(stem).append(stem.starts_with("sk-") ? "@openssh.com" : "");
}

bool is_plain_key(std::string_view wire) {
  WireReader reader(wire);
  const std::string_view type = reader.string();
  return read_key_fields(type, reader) && reader.at_end();
}

bool is_known(std::string_view wire) {
  return is_plain_key(wire) || parse_ssh_certificate(wire).has_value();
}

// "AAAA... comment"
std::optional<std::string> decode_key(std::string_view text) {
  text = trim_ows(text);
  const std::string_view encoded = text.substr(0, text.find_first_of(" \t"));
  const std::optional<Bytes> bytes = codec::decode_base64(encoded, codec::Base64::Std);
  if (!bytes || !is_known(as_text(*bytes))) {
    return std::nullopt;
  }
  return std::string(as_text(*bytes));
}

// Where the options at the front of a line end: at the first white space outside quotes.
std::size_t options_end(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) {
      quoted = !quoted;
    } else if (!quoted && (line[i] == ' ' || line[i] == '\t')) {
      return i;
    }
  }
  return line.size();
}

std::optional<std::string> decode_line(std::string_view line) {
  // "type key comment", or the same after options.
  for (int skipped = 0; skipped < 2; ++skipped) {
    const std::size_t type_end = std::min(line.find_first_of(" \t"), line.size());
    if (std::optional<std::string> key = decode_key(line.substr(type_end))) {
      return key;
    }
    line = trim_ows(line.substr(options_end(line)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> parse_authorized_key(std::string_view text) {
  for (const std::string_view piece : split(text, '\n')) {
    const std::string_view line = trim_space(piece);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (std::optional<std::string> key = decode_line(line)) {
      return key;
    }
  }
  return std::nullopt;
}

std::optional<SshCertificate> parse_ssh_certificate(std::string_view wire) {
  constexpr std::uint32_t kUser = 1;
  constexpr std::uint32_t kHost = 2;
  WireReader reader(wire);
  const std::string_view type = reader.string();
  if (!type.ends_with(kCertificateMark)) {
    return std::nullopt;
  }
  reader.string();  // nonce
  if (!read_key_fields(certified_type(type), reader)) {
    return std::nullopt;
  }
  SshCertificate certificate;
  certificate.serial = reader.u64();
  const std::uint32_t kind = reader.u32();
  certificate.is_user = kind == kUser;
  certificate.is_host = kind == kHost;
  certificate.key_id = reader.string();
  WireReader principals(reader.string());
  while (principals.ok() && principals.left() > 0) {
    certificate.principals.emplace_back(principals.string());
  }
  certificate.valid_after = reader.u64();
  certificate.valid_before = reader.u64();
  WireReader options(reader.string());
  while (options.ok() && options.left() > 0) {
    SshCriticalOption option;
    option.name = options.string();
    option.value = options.string();
    certificate.critical_options.push_back(std::move(option));
  }
  reader.string();  // extensions
  reader.string();  // reserved
  certificate.signature_key = reader.string();
  certificate.signed_bytes = wire.size() - reader.left();
  certificate.signature = reader.string();
  if (!reader.at_end() || !principals.ok() || !options.ok() ||
      !is_plain_key(certificate.signature_key)) {
    return std::nullopt;
  }
  return certificate;
}

std::optional<std::vector<std::string>> parse_source_addresses(std::string_view encoded) {
  WireReader reader(encoded);
  const std::string_view list = reader.string();
  if (!reader.at_end() || list.empty()) {
    return std::nullopt;
  }
  std::vector<std::string> networks;
  for (const std::string_view piece : split(list, ',')) {
    networks.emplace_back(piece);
  }
  return networks;
}

}  // namespace vallum::policy
