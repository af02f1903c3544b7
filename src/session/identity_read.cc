#include "session/identity_read.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vallum::session {
namespace {

// Of one session; the product that enrols devices keeps one for each type.
constexpr std::size_t kDevicesMax = 64;

// A record that is not what it should be counts as absent: whoever wrote it did not write one.
bool take_session(const databroker::Record& record, bool keeps_tokens, IdentityParts& parts) {
  auto session = decode_session(record.value);
  // Impersonation names another session whose identity would replace this one's. It is not offered
  // yet, and using the session as it stands would grant its own rights instead.
  if (!session || session->id != record.id || !session->impersonate_session_id.empty()) {
    return false;
  }
  parts.user_id = std::move(session->user_id);
  parts.idp_id = std::move(session->idp_id);
  parts.valid_until = session->valid_until();
  parts.tokens_expire_at = session->tokens_expire_at();
  parts.session_claims = std::move(session->claims);
  for (DeviceCredentialRef& device : session->devices) {
    if (parts.devices.size() < kDevicesMax) {
      parts.devices.push_back({.named = std::move(device)});
    }
  }
  // Nothing else makes sessions that cannot be refreshed.
  parts.is_of_token = session->refresh_disabled;
  if (keeps_tokens && session->oauth_token) {
    parts.access_token = std::move(session->oauth_token->access_token);
  }
  if (keeps_tokens && session->id_token) {
    parts.id_token = std::move(session->id_token->raw);
  }
  return true;
}

bool take_service_account(const databroker::Record& record, IdentityParts& parts) {
  auto account = decode_service_account(record.value);
  if (!account || account->id != record.id) {
    return false;
  }
  parts.is_service_account = true;
  parts.user_id = std::move(account->user_id);
  parts.valid_until = account->valid_until();
  return true;
}

}  // namespace

Async<IdentityRead> IdentityReader::read(SessionWanted wanted, WallTime now, Deadline deadline) {
  user_id_.clear();
  user_email_.clear();
  IdentityParts parts;
  CO_TRY(const bool is_usable, co_await read_session(&parts, std::move(wanted), deadline));
  if (!is_usable || now >= parts.valid_until) {
    co_return IdentityRead{.identity = nullptr, .as_of = parts.as_of};
  }
  user_id_ = parts.user_id;
  CO_TRY_OK(co_await read_user(&parts, deadline));
  CO_TRY_OK(co_await read_groups(&parts, deadline));
  CO_TRY_OK(co_await read_devices(&parts, deadline));
  CO_TRY_OK(co_await read_own_records(&parts, deadline));
  const databroker::StoreState as_of = parts.as_of;
  co_return IdentityRead{.identity = async::make_snapshot<JoinedIdentity>(std::move(parts)),
                         .as_of = as_of};
}

Async<bool> IdentityReader::read_session(IdentityParts* parts,
                                         SessionWanted wanted,
                                         Deadline deadline) {
  std::vector<databroker::RecordKey> keys;
  keys.push_back(wanted.is_service_account ? service_account_key(wanted.session_id)
                                           : session_key(wanted.session_id));
  std::vector<databroker::RecordKey> asked = keys;
  CO_TRY(auto fetched, co_await broker_.get_many(std::move(asked), deadline));
  if (fetched.state.server_version == wanted.server_version &&
      fetched.state.latest_version < wanted.record_version) {
    // The handle knows more than this process was told yet.
    CO_TRY_OK(co_await broker_.look(deadline));
    CO_TRY(fetched, co_await broker_.get_many(std::move(keys), deadline));
  }
  parts->as_of = fetched.state;
  const std::optional<databroker::Record>& record = fetched.records.front();
  if (!record) {
    co_return false;
  }
  parts->session_id = std::move(wanted.session_id);
  parts->versions.session = record->version;
  co_return wanted.is_service_account ? take_service_account(*record, *parts)
                                      : take_session(*record, options_.wishes.tokens, *parts);
}

Async<void> IdentityReader::read_user(IdentityParts* parts, Deadline deadline) {
  if (parts->user_id.empty()) {
    co_return {};
  }
  std::vector<databroker::RecordKey> keys;
  keys.push_back(user_key(parts->user_id));
  keys.push_back(directory_user_key(parts->user_id));
  CO_TRY(auto fetched, co_await broker_.get_many(std::move(keys), deadline));
  if (const auto& record = fetched.records[0]) {
    if (auto user = decode_user(record->value)) {
      parts->user = *std::move(user);
      user_email_ = parts->user->email;
      parts->versions.user = record->version;
    }
  }
  if (const auto& record = fetched.records[1]) {
    if (auto user = decode_directory_user(record->value)) {
      parts->directory = *std::move(user);
      parts->versions.directory_user = record->version;
    }
  }
  co_return {};
}

Async<void> IdentityReader::read_groups(IdentityParts* parts, Deadline deadline) {
  if (!parts->directory) {
    co_return {};
  }
  std::vector<databroker::RecordKey> keys;
  for (const codec::Node& id : parts->directory->group_ids.items()) {
    if (keys.size() < options_.group_names_max && id.is_string() && !id.text().empty()) {
      keys.push_back(directory_group_key(id.text()));
    }
  }
  if (keys.empty()) {
    co_return {};
  }
  CO_TRY(auto fetched, co_await broker_.get_many(std::move(keys), deadline));
  for (const std::optional<databroker::Record>& record : fetched.records) {
    if (!record) {
      continue;
    }
    if (auto group = decode_directory_group(record->value)) {
      parts->groups.push_back(*std::move(group));
      parts->versions.directory_groups =
          std::max(parts->versions.directory_groups, record->version);
    }
  }
  co_return {};
}

// First all credentials, then the enrolments they name.
Async<void> IdentityReader::read_devices(IdentityParts* parts, Deadline deadline) {
  std::vector<databroker::RecordKey> keys;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < parts->devices.size(); ++i) {
    const std::string& id = parts->devices[i].named.credential_id;
    if (!id.empty()) {
      keys.push_back(device_credential_key(id));
      owners.push_back(i);
    }
  }
  if (keys.empty()) {
    co_return {};
  }
  CO_TRY(auto credentials, co_await broker_.get_many(std::move(keys), deadline));
  std::vector<databroker::RecordKey> enrollment_keys;
  std::vector<std::size_t> enrolled;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const std::optional<databroker::Record>& record = credentials.records[i];
    auto credential = record ? decode_device_credential(record->value)
                             : fail(ErrorKind::NotFound, "no such credential");
    if (!credential || credential->user_id != user_id_) {
      continue;
    }
    parts->devices[owners[i]].is_recorded = true;
    parts->versions.devices = std::max(parts->versions.devices, record->version);
    if (!credential->enrollment_id.empty()) {
      enrollment_keys.push_back(device_enrollment_key(credential->enrollment_id));
      enrolled.push_back(owners[i]);
    }
  }
  if (enrollment_keys.empty()) {
    co_return {};
  }
  CO_TRY(auto enrollments, co_await broker_.get_many(std::move(enrollment_keys), deadline));
  for (std::size_t i = 0; i < enrolled.size(); ++i) {
    const std::optional<databroker::Record>& record = enrollments.records[i];
    auto enrollment = record ? decode_device_enrollment(record->value)
                             : fail(ErrorKind::NotFound, "no such enrolment");
    if (enrollment && enrollment->user_id == user_id_) {
      parts->devices[enrolled[i]].enrollment = enrollment->approved_by.empty()
                                                   ? policy::Enrollment::Unapproved
                                                   : policy::Enrollment::Approved;
      parts->versions.devices = std::max(parts->versions.devices, record->version);
    }
  }
  co_return {};
}

Async<void> IdentityReader::read_own_records(IdentityParts* parts, Deadline deadline) {
  std::vector<databroker::RecordKey> keys;
  for (const policy::RecordSource& source : options_.wishes.records) {
    const std::string& id = source.key == policy::RecordKey::UserId ? user_id_ : user_email_;
    if (!id.empty()) {
      keys.push_back({.type = source.type, .id = id});
    }
  }
  if (keys.empty()) {
    co_return {};
  }
  std::vector<databroker::RecordKey> asked = keys;
  CO_TRY(auto fetched, co_await broker_.get_many(std::move(asked), deadline));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    OwnRecord own{.type = std::move(keys[i].type), .fields = std::nullopt};
    if (const std::optional<databroker::Record>& record = fetched.records[i]) {
      own.fields = decode_fields(record->value).value_or(codec::Node());
      parts->versions.own_records = std::max(parts->versions.own_records, record->version);
    }
    parts->own_records.push_back(std::move(own));
  }
  co_return {};
}

}  // namespace vallum::session
