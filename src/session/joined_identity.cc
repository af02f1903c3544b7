#include "session/joined_identity.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace vallum::session {
namespace {

std::size_t texts_size(const IdentityParts& parts) {
  std::size_t size = parts.session_id.size() + parts.user_id.size() + parts.idp_id.size();
  size += parts.user ? parts.user->email.size() : 0;
  size += parts.directory && parts.directory->email ? parts.directory->email->size() : 0;
  for (const DirectoryGroup& group : parts.groups) {
    size += group.id.size() + group.name.size();
  }
  for (const JoinedDevice& device : parts.devices) {
    size += device.named.type_id.size() + device.named.credential_id.size();
  }
  return size;
}

std::unique_ptr<policy::OwnRecords> own_records(std::vector<OwnRecord>& records) {
  if (records.empty()) {
    return nullptr;
  }
  auto own = std::make_unique<policy::OwnRecords>();
  for (OwnRecord& record : records) {
    if (record.fields) {
      own->add(std::move(record.type), *record.fields);
    } else {
      own->add_missing(std::move(record.type));
    }
  }
  return own;
}

}  // namespace

policy::ClaimTable claim_table(const ClaimSet& claims) {
  policy::ClaimTable::Builder builder;
  for (const NamedClaim& claim : claims) {
    builder.set(claim.name, claim.values);
  }
  return std::move(builder).build();
}

JoinedIdentity::JoinedIdentity(IdentityParts parts)
    : valid_until_(parts.valid_until),
      tokens_expire_at_(parts.tokens_expire_at),
      versions_(parts.versions),
      as_of_(parts.as_of),
      session_claims_(claim_table(parts.session_claims)),
      own_records_(own_records(parts.own_records)),
      access_token_(std::move(parts.access_token)),
      id_token_(std::move(parts.id_token)),
      is_service_account_(parts.is_service_account) {
  texts_.reserve(texts_size(parts));
  session_id_ = keep(parts.session_id);
  user_id_ = keep(parts.user_id);
  idp_id_ = keep(parts.idp_id);
  if (parts.user) {
    user_email_ = keep(parts.user->email);
    user_claims_ = claim_table(parts.user->claims);
  }
  merge_claims(parts.is_of_token);
  if (parts.directory) {
    const codec::Node& ids = parts.directory->group_ids;
    has_directory_ = true;
    group_values_ = policy::ValueList::of_node(ids);
    directory_.groups = group_values_.values();
    are_groups_texts_ = ids.is_list() && std::ranges::all_of(ids.items(), &codec::Node::is_string);
    if (parts.directory->email) {
      has_directory_email_ = true;
      directory_.email = keep(*parts.directory->email);
    }
  }
  groups_.reserve(parts.groups.size());
  for (const DirectoryGroup& group : parts.groups) {
    groups_.push_back({.id = keep(group.id), .name = keep(group.name)});
  }
  devices_.reserve(parts.devices.size());
  for (const JoinedDevice& device : parts.devices) {
    devices_.push_back({.type_id = keep(device.named.type_id),
                        .credential_id = keep(device.named.credential_id),
                        .is_recorded = device.is_recorded,
                        .enrollment = device.enrollment});
  }
}

std::string_view JoinedIdentity::keep(std::string_view text) {
  const std::size_t from = texts_.size();
  // Or the views so far would dangle.
  CHECK(texts_.capacity() - from >= text.size());
  texts_.append(text);
  return std::string_view(texts_).substr(from);
}

// Of two claims of one name the stronger one's stays.
void JoinedIdentity::merge_claims(bool is_of_token) {
  const std::span<const policy::Claim> session = session_claims_.view().all();
  const std::span<const policy::Claim> user = user_claims_.view().all();
  if (session.empty() || user.empty()) {
    return;
  }
  const policy::Claims strong(is_of_token ? session : user);
  const std::span<const policy::Claim> weak = is_of_token ? user : session;
  merged_claims_.reserve(session.size() + user.size());
  merged_claims_.assign(strong.all().begin(), strong.all().end());
  std::ranges::copy_if(weak, std::back_inserter(merged_claims_), [&](const policy::Claim& claim) {
    return strong.find(claim.name) == nullptr;
  });
  std::ranges::sort(merged_claims_, {}, &policy::Claim::name);
}

policy::SessionFacts JoinedIdentity::facts() const {
  policy::Claims claims(merged_claims_);
  if (merged_claims_.empty()) {
    claims = user_claims_.view().all().empty() ? session_claims_.view() : user_claims_.view();
  }
  return {.user_id = user_id_,
          .user_email = user_email_,
          .directory = has_directory_ ? &directory_ : nullptr,
          .claims = claims,
          .devices = devices_,
          .records = own_records_ == nullptr ? std::span<const policy::RecordFacts>()
                                             : own_records_->view()};
}

const policy::Claim* JoinedIdentity::assertion_claim(std::string_view name) const {
  const policy::Claim* claim = session_claims_.view().find(name);
  return claim == nullptr ? user_claims_.view().find(name) : claim;
}

std::span<const policy::Value> JoinedIdentity::group_ids() const {
  return are_groups_texts_ ? group_values_.values() : std::span<const policy::Value>();
}

}  // namespace vallum::session
