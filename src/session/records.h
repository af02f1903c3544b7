#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "codec/node.h"
#include "databroker/record.h"

// The records of identities (identity specification 3.1), as values. Each is written and read as
// the protobuf message existing clients know; texts that are not UTF-8 cannot be written
// (InvalidInput), and a value that is not the message it should be does not read (InvalidInput).
namespace vallum::session {

inline constexpr std::string_view kSessionType = "type.googleapis.com/session.Session";
inline constexpr std::string_view kUserType = "type.googleapis.com/user.User";
inline constexpr std::string_view kServiceAccountType = "type.googleapis.com/user.ServiceAccount";
inline constexpr std::string_view kDeviceCredentialType =
    "type.googleapis.com/pomerium.device.Credential";
inline constexpr std::string_view kDeviceEnrollmentType =
    "type.googleapis.com/pomerium.device.Enrollment";
inline constexpr std::string_view kDirectoryUserType = "pomerium.io/DirectoryUser";
inline constexpr std::string_view kDirectoryGroupType = "pomerium.io/DirectoryGroup";

// A claim as it is stored: its name, and its values as a List.
struct NamedClaim {
  std::string name;
  codec::Node values;
};
// Sorted by name, each name once.
using ClaimSet = std::vector<NamedClaim>;

// A record that is nothing but fields, a map (google.protobuf.Struct).
Result<databroker::Value> encode_fields(const codec::Node& fields);
Result<codec::Node> decode_fields(const databroker::Value& value);

const codec::Node* find_claim(const ClaimSet& claims, std::string_view name);

struct IdToken {
  std::string issuer;
  std::string subject;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
  Secret raw;
};

struct OauthToken {
  Secret access_token;
  std::string token_type;
  std::optional<WallTime> expires_at;
  Secret refresh_token;
};

// Which device of one type a session was proved to be on.
struct DeviceCredentialRef {
  std::string type_id;
  // "": the client said that it has none.
  std::string credential_id;
};

struct SessionRecord {
  std::string id;
  std::string user_id;
  std::string idp_id;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
  std::optional<WallTime> accessed_at;
  std::optional<IdToken> id_token;
  std::optional<OauthToken> oauth_token;
  ClaimSet claims;
  std::vector<std::string> audience;
  std::vector<DeviceCredentialRef> devices;
  bool refresh_disabled = false;
  // Empty: none.
  std::string impersonate_session_id;

  // Until when it may be used: its own end, or that of an access token which cannot be renewed
  // (identity specification 3.2). WallTime::max() for ever.
  WallTime valid_until() const;
  // When its access token ends, which its provider can renew; WallTime::max() for never.
  WallTime tokens_expire_at() const;
};

struct UserRecord {
  std::string id;
  std::string name;
  std::string email;
  ClaimSet claims;
};

// A registered device, and whether somebody approved it.
struct DeviceCredential {
  std::string id;
  std::string type_id;
  std::string enrollment_id;
  std::string user_id;
};

struct DeviceEnrollment {
  std::string id;
  std::string user_id;
  // "": nobody did.
  std::string approved_by;
};

struct ServiceAccountRecord {
  std::string id;
  std::string user_id;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
  std::optional<WallTime> accessed_at = std::nullopt;
  std::string description = {};

  WallTime valid_until() const { return expires_at.value_or(WallTime::max()); }
};

// What a directory says of a user. Directories write it from outside; sign-in writes it from a
// claim where no directory does.
struct DirectoryUser {
  std::string id;
  // Absent and empty differ: an empty one still hides the user record's from applications.
  std::optional<std::string> email;
  std::string display_name;
  // A List; whatever a directory put there.
  codec::Node group_ids;
  // Made by us at sign-in. One from outside is never overwritten by ours.
  bool is_from_claim = false;
};

struct DirectoryGroup {
  std::string id;
  std::string name;
  std::string email;
};

Result<databroker::Value> encode_session(const SessionRecord& session);
Result<databroker::Value> encode_user(const UserRecord& user);
Result<databroker::Value> encode_service_account(const ServiceAccountRecord& account);
Result<databroker::Value> encode_directory_user(const DirectoryUser& user);
Result<databroker::Value> encode_directory_group(const DirectoryGroup& group);

Result<SessionRecord> decode_session(const databroker::Value& value);
Result<UserRecord> decode_user(const databroker::Value& value);
Result<databroker::Value> encode_device_credential(const DeviceCredential& credential);
Result<DeviceCredential> decode_device_credential(const databroker::Value& value);
Result<databroker::Value> encode_device_enrollment(const DeviceEnrollment& enrollment);
Result<DeviceEnrollment> decode_device_enrollment(const databroker::Value& value);
Result<ServiceAccountRecord> decode_service_account(const databroker::Value& value);
Result<DirectoryUser> decode_directory_user(const databroker::Value& value);
Result<DirectoryGroup> decode_directory_group(const databroker::Value& value);

databroker::RecordKey session_key(std::string_view id);
databroker::RecordKey user_key(std::string_view id);
databroker::RecordKey service_account_key(std::string_view id);
databroker::RecordKey device_credential_key(std::string_view id);
databroker::RecordKey device_enrollment_key(std::string_view id);
databroker::RecordKey directory_user_key(std::string_view id);
databroker::RecordKey directory_group_key(std::string_view id);

}  // namespace vallum::session
