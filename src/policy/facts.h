#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/time.h"
#include "policy/value.h"

// What the authorizer knows about one request when it asks for a decision. Everything borrows:
// views live at least until decide() returns. A part that could not be loaded is not a fact: the
// caller answers 503 instead of deciding without it.
namespace vallum::policy {

struct RequestFacts {
  std::string_view method;
  // Normalised and decoded, without the query: exactly what the router matched.
  std::string_view path;
  // Header values, "" when absent.
  std::string_view origin;
  std::string_view access_control_request_method;
  // After trusted hops. Absent when unknown; then no source_ip criterion holds.
  std::optional<IpAddress> client_ip;
};

// The directory's record of the session's user.
struct DirectoryFacts {
  std::string_view email;
  std::span<const Value> groups;
};

enum class Enrollment : std::uint8_t { None, Unapproved, Approved };

// One entry of the session's device credentials, in the session's order, joined with its records.
struct DeviceFacts {
  std::string_view type_id;
  // "" when the entry names no credential; such an entry is never chosen.
  std::string_view credential_id;
  // Whether the credential's record exists.
  bool is_recorded = false;
  // Of the record the credential names; None without that record.
  Enrollment enrollment = Enrollment::None;
};

// A session or service account that exists and has not expired, after impersonation.
// The user's own record of one type. A type that is not listed is not a fact: nothing about it
// holds, not even that there is no such record.
struct RecordFacts {
  std::string_view type;
  // Its fields, or nothing when there is no such record. A field that is not a list counts as a
  // list of one.
  std::optional<Claims> fields;
};

struct SessionFacts {
  // "" for a service account without a user.
  std::string_view user_id;
  // Of the user's record, "" when there is none.
  std::string_view user_email;
  // Null when the directory does not know the user.
  const DirectoryFacts* directory = nullptr;
  // The session's and the user's, the user's winning.
  Claims claims;
  std::span<const DeviceFacts> devices;
  // Of the types that the program's wanted_records() names, and maybe of others.
  std::span<const RecordFacts> records;

  // The directory's when it has one, else the user's, else "".
  std::string_view email() const {
    return directory != nullptr && !directory->email.empty() ? directory->email : user_email;
  }
};

// The verdict on the presented chain. Valid also when no certificate authority is configured.
enum class CertificateVerdict : std::uint8_t { Valid, NotPresented, Invalid };

using Digest = std::array<std::byte, 32>;

// The presented leaf, whether trusted or not; made once per connection.
struct LeafCertificate {
  Digest fingerprint{};  // SHA-256 of the DER certificate
  Digest spki_hash{};    // SHA-256 of its SubjectPublicKeyInfo
  std::vector<std::string> san_dns;
  std::vector<std::string> san_email;
  std::vector<std::string> san_uri;
};

struct McpFacts {
  // "" when the body carried no method.
  std::string_view method;
  // Absent when it could not be determined.
  std::optional<std::string_view> tool;
};

// What an OpenSSH user certificate says, its signature and dates already verified by whoever
// accepted it.
struct SshCertificateFacts {
  // Wire encoding of the key that signed it.
  std::string_view signature_key;
  bool is_user_certificate = false;
  bool signature_valid = false;
  bool in_validity_period = false;
  // A critical option other than source-address.
  bool has_unknown_critical_option = false;
  std::span<const std::string> principals;
  // The source-address option; absent means anywhere.
  std::optional<std::span<const IpPrefix>> source_addresses;
};

struct SshFacts {
  std::string_view username;
  // Wire encoding of the presented key or certificate, "" when there is none.
  std::string_view public_key;
  // Null unless public_key is a certificate.
  const SshCertificateFacts* certificate = nullptr;
};

struct Facts {
  RequestFacts request;
  // When the decision is made. Absent when unknown; then no criterion about time holds.
  std::optional<WallTime> now;
  // Null when anonymous.
  const SessionFacts* session = nullptr;
  CertificateVerdict certificate_verdict = CertificateVerdict::Valid;
  // Null when no leaf was presented or it could not be parsed.
  const LeafCertificate* leaf = nullptr;
  McpFacts mcp;
  SshFacts ssh;
};

}  // namespace vallum::policy
