#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Public keys and certificates as OpenSSH writes them. Structure only: whether a signature is good
// is for whoever accepts the key.
namespace vallum::policy {

// The wire encoding (RFC 4253 6.6) of the first key in authorized_keys text: options and comment
// are dropped, blank lines and lines that hold no key are passed over. Nothing when there is none,
// or the encoding is not that of a known key or certificate type.
std::optional<std::string> parse_authorized_key(std::string_view text);

struct SshCriticalOption {
  std::string name;
  std::string value;  // as encoded
};

// OpenSSH PROTOCOL.certkeys.
struct SshCertificate {
  std::uint64_t serial = 0;
  bool is_user = false;
  bool is_host = false;
  std::string key_id;
  std::vector<std::string> principals;
  std::uint64_t valid_after = 0;   // seconds, inclusive
  std::uint64_t valid_before = 0;  // seconds, exclusive
  std::vector<SshCriticalOption> critical_options;
  std::string signature_key;  // wire encoding
  std::string signature;
  // How many bytes at the front of the encoding the signature covers.
  std::size_t signed_bytes = 0;
};

// Nothing when `wire` is a plain key, or malformed.
std::optional<SshCertificate> parse_ssh_certificate(std::string_view wire);

// The networks of a source-address option. Nothing when malformed.
std::optional<std::vector<std::string>> parse_source_addresses(std::string_view encoded);

}  // namespace vallum::policy
