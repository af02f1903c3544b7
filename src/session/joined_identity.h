#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/snapshot.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/store/store.h"
#include "policy/facts.h"
#include "policy/own_records.h"
#include "policy/value.h"
#include "session/records.h"

namespace vallum::session {

// The versions of the records an identity was joined from; 0 where there was none. Whoever keeps
// something made from an identity keeps it under these.
struct IdentityVersions {
  std::uint64_t session = 0;  // or service account
  std::uint64_t user = 0;
  std::uint64_t directory_user = 0;
  // The newest of the groups' records.
  std::uint64_t directory_groups = 0;
  // The newest of the records of the session's devices.
  std::uint64_t devices = 0;
  // The newest of the user's own records that policies ask about.
  std::uint64_t own_records = 0;

  bool operator==(const IdentityVersions&) const = default;
};

// One of the session's devices, joined with its records.
struct JoinedDevice {
  DeviceCredentialRef named;
  // Whether the credential's record exists and is this user's.
  bool is_recorded = false;
  policy::Enrollment enrollment = policy::Enrollment::None;
};

// A record of the user that policies ask about.
struct OwnRecord {
  std::string type;
  // Nothing: there is no such record. Null: it is there, and has no fields that can be read.
  std::optional<codec::Node> fields;
};

// What it is joined from.
struct IdentityParts {
  // As presented: a session's or a service account's.
  std::string session_id;
  bool is_service_account = false;
  std::string user_id;
  // "" for a service account.
  std::string idp_id;
  WallTime valid_until = WallTime::max();
  // When its access token ends, which can be renewed; WallTime::max() for none.
  WallTime tokens_expire_at = WallTime::max();
  ClaimSet session_claims;
  // Made of a token that its user brings along, which says itself what it is good for: its claims
  // win over the user's.
  bool is_of_token = false;
  // Of a session, where somebody keeps them; see IdentityWishes.
  Secret access_token;
  Secret id_token;
  std::optional<UserRecord> user;
  std::optional<DirectoryUser> directory;
  // Of the directory user's groups that have a record, in its order.
  std::vector<DirectoryGroup> groups;
  // In the session's order.
  std::vector<JoinedDevice> devices;
  std::vector<OwnRecord> own_records;
  IdentityVersions versions;
  // Where the store stood when the first of the records was read.
  databroker::StoreState as_of;
};

// As policies and applications read them.
policy::ClaimTable claim_table(const ClaimSet& claims);

// A group of a directory user that has a record.
struct NamedGroup {
  std::string_view id;
  std::string_view name;
};

// Who a session stands for: session or service account, user, directory user and groups, joined
// once and shared by the requests of the session. Immutable; any thread. It was valid when it was
// made: ask is_valid().
//
// A node may hold a million, so an identity is a few pieces of memory: its texts, its claims.
class JoinedIdentity {
 public:
  explicit JoinedIdentity(IdentityParts parts);
  JoinedIdentity(const JoinedIdentity&) = delete;
  JoinedIdentity& operator=(const JoinedIdentity&) = delete;

  // A session lives on without fresh tokens while its provider is down, for this long.
  bool is_valid(WallTime now, Duration outage_grace) const {
    return now < valid_until_ &&
           (now < tokens_expire_at_ || now - tokens_expire_at_ < outage_grace);
  }
  // WallTime::max() for ever.
  WallTime valid_until() const { return valid_until_; }

  std::string_view session_id() const { return session_id_; }
  bool is_service_account() const { return is_service_account_; }
  std::string_view user_id() const { return user_id_; }
  std::string_view idp_id() const { return idp_id_; }
  const IdentityVersions& versions() const { return versions_; }
  const databroker::StoreState& as_of() const { return as_of_; }

  // As the provider gave them; empty for a service account, and where nobody keeps them.
  const Secret& access_token() const { return access_token_; }
  const Secret& id_token() const { return id_token_; }

  // For policies; claims are the session's and the user's, the user's winning but for a session of
  // a bearer token.
  policy::SessionFacts facts() const;

  // Of the user's record, "" without one: for records of what happened.
  std::string_view user_email() const { return user_email_; }
  // For applications: the directory's when it has the field, even empty, else the user's.
  std::string_view assertion_email() const {
    return has_directory_email_ ? directory_.email : user_email_;
  }
  // The first of the session's and the user's claim of that name, or null: for applications the
  // session's win, the opposite of policy.
  const policy::Claim* assertion_claim(std::string_view name) const;
  // What its provider or token said when the session was made.
  policy::Claims session_claims() const { return session_claims_.view(); }
  // Ids of the directory's groups; empty when the list is unusable because an element is not a
  // text.
  std::span<const policy::Value> group_ids() const;
  std::span<const NamedGroup> groups() const { return groups_; }

 private:
  std::string_view keep(std::string_view text);
  void merge_claims(bool is_of_token);

  WallTime valid_until_;
  WallTime tokens_expire_at_;
  std::string texts_;  // those of the views below
  std::string_view session_id_;
  std::string_view user_id_;
  std::string_view idp_id_;
  std::string_view user_email_;
  IdentityVersions versions_;
  databroker::StoreState as_of_;
  policy::ClaimTable session_claims_;
  policy::ClaimTable user_claims_;
  // Both, for policies; empty while there is but one of them.
  std::vector<policy::Claim> merged_claims_;
  policy::ValueList group_values_;
  policy::DirectoryFacts directory_;
  std::vector<NamedGroup> groups_;
  std::vector<policy::DeviceFacts> devices_;
  std::unique_ptr<policy::OwnRecords> own_records_;  // null: none were asked for
  Secret access_token_;
  Secret id_token_;
  bool is_service_account_;
  bool has_directory_ = false;
  bool has_directory_email_ = false;
  bool are_groups_texts_ = false;
};

// Null: the session does not exist, has ended, or cannot be used.
using IdentityRef = async::Snapshot<JoinedIdentity>;

}  // namespace vallum::session
