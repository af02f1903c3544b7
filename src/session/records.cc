#include "session/records.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <google/protobuf/struct.pb.h>

#include "base/strings.h"
#include "proto/device.pb.h"
#include "proto/session.pb.h"
#include "proto/user.pb.h"
#include "session/protobuf_value.h"

namespace vallum::session {
namespace {

using ClaimMap = google::protobuf::Map<std::string, google::protobuf::ListValue>;

constexpr std::string_view kStructUrl = "type.googleapis.com/google.protobuf.Struct";
// In a directory record: who wrote it. Directories do not know this field.
constexpr std::string_view kOriginField = "vallum_origin";
constexpr std::string_view kOriginClaim = "idp_groups_claim";

template <class Message>
Result<Message> parse(const databroker::Value& value, std::string_view type_url) {
  Message message;
  if (value.type_url != type_url || value.bytes.size() > std::numeric_limits<int>::max() ||
      !message.ParseFromArray(value.bytes.data(), static_cast<int>(value.bytes.size()))) {
    return fail(ErrorKind::InvalidInput, "record: its value is not of the type it should be");
  }
  return message;
}

databroker::Value serialize(const google::protobuf::Message& message, std::string_view type_url) {
  return {.type_url = std::string(type_url), .bytes = message.SerializeAsString()};
}

// Protobuf texts must be UTF-8: it would write others and then refuse to read them.
class TextCheck {
 public:
  std::string operator()(std::string_view text) {
    is_valid_ = is_valid_ && is_utf8(text);
    return std::string(text);
  }
  Result<void> verdict() const {
    return is_valid_ ? Result<void>()
                     : fail(ErrorKind::InvalidInput, "record: a text is not UTF-8");
  }

 private:
  bool is_valid_ = true;
};

// Touches the field only when there is a time: absent and zero differ for other readers.
template <class Message>
void set_if(const std::optional<WallTime>& time,
            Message& message,
            google::protobuf::Timestamp* (Message::*field)()) {
  if (time) {
    set_time(*time, *(message.*field)());
  }
}

Result<void> set_claims(const ClaimSet& claims, ClaimMap& to) {
  for (const NamedClaim& claim : claims) {
    if (!is_utf8(claim.name)) {
      return fail(ErrorKind::InvalidInput, "record: the name of a claim is not UTF-8");
    }
    TRY_OK(set_list(claim.values, to[claim.name]));
  }
  return {};
}

ClaimSet claims_of(const ClaimMap& map) {
  ClaimSet claims;
  claims.reserve(map.size());
  for (const auto& [name, list] : map) {
    claims.push_back({.name = name, .values = node_of(list)});
  }
  std::ranges::sort(claims, {}, &NamedClaim::name);
  return claims;
}

std::string text_field(const codec::Node& record, std::string_view name) {
  const codec::Node* field = record.find(name);
  return field != nullptr && field->is_string() ? field->text() : std::string();
}

void add_text(google::protobuf::Struct& to, std::string_view name, std::string text) {
  (*to.mutable_fields())[std::string(name)].set_string_value(std::move(text));
}

databroker::RecordKey key_of(std::string_view type, std::string_view id) {
  return {.type = std::string(type), .id = std::string(id)};
}

}  // namespace

Result<codec::Node> decode_fields(const databroker::Value& value) {
  TRY(const auto message, parse<google::protobuf::Struct>(value, kStructUrl));
  return node_of(message);
}

const codec::Node* find_claim(const ClaimSet& claims, std::string_view name) {
  const auto found = std::ranges::lower_bound(claims, name, {}, &NamedClaim::name);
  return found != claims.end() && found->name == name ? &found->values : nullptr;
}

WallTime SessionRecord::valid_until() const {
  WallTime until = expires_at.value_or(WallTime::max());
  const bool can_renew = oauth_token && !refresh_disabled && !oauth_token->refresh_token.empty();
  if (oauth_token && oauth_token->expires_at && !can_renew) {
    until = std::min(until, *oauth_token->expires_at);
  }
  return until;
}

WallTime SessionRecord::tokens_expire_at() const {
  const bool can_renew = oauth_token && !refresh_disabled && !oauth_token->refresh_token.empty();
  return can_renew ? oauth_token->expires_at.value_or(WallTime::max()) : WallTime::max();
}

Result<databroker::Value> encode_session(const SessionRecord& session) {
  ::session::Session message;
  TextCheck text;
  message.set_id(text(session.id));
  message.set_user_id(text(session.user_id));
  message.set_idp_id(text(session.idp_id));
  set_if(session.issued_at, message, &::session::Session::mutable_issued_at);
  set_if(session.expires_at, message, &::session::Session::mutable_expires_at);
  set_if(session.accessed_at, message, &::session::Session::mutable_accessed_at);
  if (session.id_token) {
    const IdToken& token = *session.id_token;
    auto& to = *message.mutable_id_token();
    to.set_issuer(text(token.issuer));
    to.set_subject(text(token.subject));
    to.set_raw(text(token.raw.expose_text()));
    set_if(token.issued_at, to, &::session::IDToken::mutable_issued_at);
    set_if(token.expires_at, to, &::session::IDToken::mutable_expires_at);
  }
  if (session.oauth_token) {
    const OauthToken& token = *session.oauth_token;
    auto& to = *message.mutable_oauth_token();
    to.set_access_token(text(token.access_token.expose_text()));
    to.set_token_type(text(token.token_type));
    to.set_refresh_token(text(token.refresh_token.expose_text()));
    set_if(token.expires_at, to, &::session::OAuthToken::mutable_expires_at);
  }
  for (const std::string& host : session.audience) {
    message.add_audience(text(host));
  }
  for (const DeviceCredentialRef& device : session.devices) {
    auto& to = *message.add_device_credentials();
    to.set_type_id(text(device.type_id));
    if (device.credential_id.empty()) {
      to.mutable_unavailable();
    } else {
      to.set_id(text(device.credential_id));
    }
  }
  message.set_refresh_disabled(session.refresh_disabled);
  if (!session.impersonate_session_id.empty()) {
    message.set_impersonate_session_id(text(session.impersonate_session_id));
  }
  TRY_OK(text.verdict());
  TRY_OK(set_claims(session.claims, *message.mutable_claims()));
  return serialize(message, kSessionType);
}

Result<databroker::Value> encode_user(const UserRecord& user) {
  ::user::User message;
  TextCheck text;
  message.set_id(text(user.id));
  message.set_name(text(user.name));
  message.set_email(text(user.email));
  TRY_OK(text.verdict());
  TRY_OK(set_claims(user.claims, *message.mutable_claims()));
  return serialize(message, kUserType);
}

Result<databroker::Value> encode_service_account(const ServiceAccountRecord& account) {
  ::user::ServiceAccount message;
  TextCheck text;
  message.set_id(text(account.id));
  message.set_user_id(text(account.user_id));
  set_if(account.issued_at, message, &::user::ServiceAccount::mutable_issued_at);
  set_if(account.expires_at, message, &::user::ServiceAccount::mutable_expires_at);
  set_if(account.accessed_at, message, &::user::ServiceAccount::mutable_accessed_at);
  if (!account.description.empty()) {
    message.set_description(text(account.description));
  }
  TRY_OK(text.verdict());
  return serialize(message, kServiceAccountType);
}

Result<databroker::Value> encode_directory_user(const DirectoryUser& user) {
  google::protobuf::Struct message;
  TextCheck text;
  add_text(message, "id", text(user.id));
  if (user.email) {
    add_text(message, "email", text(*user.email));
  }
  if (!user.display_name.empty()) {
    add_text(message, "display_name", text(user.display_name));
  }
  if (user.is_from_claim) {
    add_text(message, kOriginField, std::string(kOriginClaim));
  }
  TRY_OK(text.verdict());
  TRY_OK(set_list(user.group_ids, *(*message.mutable_fields())["group_ids"].mutable_list_value()));
  return serialize(message, kStructUrl);
}

Result<databroker::Value> encode_directory_group(const DirectoryGroup& group) {
  google::protobuf::Struct message;
  TextCheck text;
  add_text(message, "id", text(group.id));
  add_text(message, "name", text(group.name));
  add_text(message, "email", text(group.email));
  TRY_OK(text.verdict());
  return serialize(message, kStructUrl);
}

Result<databroker::Value> encode_device_credential(const DeviceCredential& credential) {
  ::pomerium::device::Credential message;
  TextCheck text;
  message.set_id(text(credential.id));
  message.set_type_id(text(credential.type_id));
  message.set_enrollment_id(text(credential.enrollment_id));
  message.set_user_id(text(credential.user_id));
  TRY_OK(text.verdict());
  return serialize(message, kDeviceCredentialType);
}

Result<databroker::Value> encode_device_enrollment(const DeviceEnrollment& enrollment) {
  ::pomerium::device::Enrollment message;
  TextCheck text;
  message.set_id(text(enrollment.id));
  message.set_user_id(text(enrollment.user_id));
  message.set_approved_by(text(enrollment.approved_by));
  TRY_OK(text.verdict());
  return serialize(message, kDeviceEnrollmentType);
}

Result<databroker::Value> encode_fields(const codec::Node& fields) {
  google::protobuf::Value value;
  TRY_OK(set_value(fields, value));
  return serialize(value.struct_value(), kStructUrl);
}

Result<SessionRecord> decode_session(const databroker::Value& value) {
  TRY(const auto message, parse<::session::Session>(value, kSessionType));
  SessionRecord session;
  session.id = message.id();
  session.user_id = message.user_id();
  session.idp_id = message.idp_id();
  session.issued_at = time_of(message.issued_at());
  session.expires_at = time_of(message.expires_at());
  session.accessed_at = time_of(message.accessed_at());
  if (message.has_id_token()) {
    const auto& token = message.id_token();
    session.id_token = IdToken{.issuer = token.issuer(),
                               .subject = token.subject(),
                               .issued_at = time_of(token.issued_at()),
                               .expires_at = time_of(token.expires_at()),
                               .raw = Secret(token.raw())};
  }
  if (message.has_oauth_token()) {
    const auto& token = message.oauth_token();
    session.oauth_token = OauthToken{.access_token = Secret(token.access_token()),
                                     .token_type = token.token_type(),
                                     .expires_at = time_of(token.expires_at()),
                                     .refresh_token = Secret(token.refresh_token())};
  }
  session.claims = claims_of(message.claims());
  session.audience.assign(message.audience().begin(), message.audience().end());
  for (const auto& device : message.device_credentials()) {
    session.devices.push_back({.type_id = device.type_id(), .credential_id = device.id()});
  }
  session.refresh_disabled = message.refresh_disabled();
  session.impersonate_session_id = message.impersonate_session_id();
  return session;
}

Result<UserRecord> decode_user(const databroker::Value& value) {
  TRY(const auto message, parse<::user::User>(value, kUserType));
  return UserRecord{.id = message.id(),
                    .name = message.name(),
                    .email = message.email(),
                    .claims = claims_of(message.claims())};
}

Result<DeviceCredential> decode_device_credential(const databroker::Value& value) {
  TRY(const auto message, parse<::pomerium::device::Credential>(value, kDeviceCredentialType));
  return DeviceCredential{.id = message.id(),
                          .type_id = message.type_id(),
                          .enrollment_id = message.enrollment_id(),
                          .user_id = message.user_id()};
}

Result<DeviceEnrollment> decode_device_enrollment(const databroker::Value& value) {
  TRY(const auto message, parse<::pomerium::device::Enrollment>(value, kDeviceEnrollmentType));
  return DeviceEnrollment{
      .id = message.id(), .user_id = message.user_id(), .approved_by = message.approved_by()};
}

Result<ServiceAccountRecord> decode_service_account(const databroker::Value& value) {
  TRY(const auto message, parse<::user::ServiceAccount>(value, kServiceAccountType));
  return ServiceAccountRecord{.id = message.id(),
                              .user_id = message.user_id(),
                              .issued_at = time_of(message.issued_at()),
                              .expires_at = time_of(message.expires_at()),
                              .accessed_at = time_of(message.accessed_at()),
                              .description = message.description()};
}

Result<DirectoryUser> decode_directory_user(const databroker::Value& value) {
  TRY(const codec::Node record, decode_fields(value));
  DirectoryUser user;
  user.id = text_field(record, "id");
  if (record.find("email") != nullptr) {
    user.email = text_field(record, "email");
  }
  user.display_name = text_field(record, "display_name");
  const codec::Node* groups = record.find("group_ids");
  user.group_ids = groups != nullptr && groups->is_list() ? *groups : codec::Node::list({});
  user.is_from_claim = text_field(record, kOriginField) == kOriginClaim;
  return user;
}

Result<DirectoryGroup> decode_directory_group(const databroker::Value& value) {
  TRY(const codec::Node record, decode_fields(value));
  return DirectoryGroup{.id = text_field(record, "id"),
                        .name = text_field(record, "name"),
                        .email = text_field(record, "email")};
}

databroker::RecordKey session_key(std::string_view id) {
  return key_of(kSessionType, id);
}
databroker::RecordKey user_key(std::string_view id) {
  return key_of(kUserType, id);
}
databroker::RecordKey service_account_key(std::string_view id) {
  return key_of(kServiceAccountType, id);
}
databroker::RecordKey device_credential_key(std::string_view id) {
  return key_of(kDeviceCredentialType, id);
}
databroker::RecordKey device_enrollment_key(std::string_view id) {
  return key_of(kDeviceEnrollmentType, id);
}
databroker::RecordKey directory_user_key(std::string_view id) {
  return key_of(kDirectoryUserType, id);
}
databroker::RecordKey directory_group_key(std::string_view id) {
  return key_of(kDirectoryGroupType, id);
}

}  // namespace vallum::session
