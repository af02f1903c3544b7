#include "session/joined_identity.h"

#include <utility>

namespace vallum::session {
namespace {

void add(policy::ClaimTable::Builder& builder, const ClaimSet& claims) {
  for (const NamedClaim& claim : claims) {
    builder.set(claim.name, claim.values);
  }
}

// Of two claims of one name the later one stays.
policy::ClaimTable merge(const IdentityParts& parts) {
  policy::ClaimTable::Builder builder;
  if (!parts.is_of_token) {
    add(builder, parts.session_claims);
  }
  if (parts.user) {
    add(builder, parts.user->claims);
  }
  if (parts.is_of_token) {
    add(builder, parts.session_claims);
  }
  return std::move(builder).build();
}

std::vector<std::string> texts_of(const codec::Node& list) {
  std::vector<std::string> texts;
  for (const codec::Node& item : list.items()) {
    if (!item.is_string()) {
      return {};
    }
    texts.push_back(item.text());
  }
  return texts;
}

}  // namespace

JoinedIdentity::JoinedIdentity(IdentityParts parts)
    : parts_(std::move(parts)), claims_(merge(parts_)) {
  if (parts_.directory) {
    group_values_ = policy::ValueList::of_node(parts_.directory->group_ids);
    group_ids_ = texts_of(parts_.directory->group_ids);
    directory_ = {.email = parts_.directory->email ? std::string_view(*parts_.directory->email)
                                                   : std::string_view(),
                  .groups = group_values_.values()};
  }
  devices_.reserve(parts_.devices.size());
  for (const JoinedDevice& device : parts_.devices) {
    devices_.push_back({.type_id = device.named.type_id,
                        .credential_id = device.named.credential_id,
                        .is_recorded = device.is_recorded,
                        .enrollment = device.enrollment});
  }
  for (OwnRecord& record : parts_.own_records) {
    if (record.fields) {
      own_records_.add(std::move(record.type), *record.fields);
    } else {
      own_records_.add_missing(std::move(record.type));
    }
  }
  parts_.own_records.clear();
}

policy::SessionFacts JoinedIdentity::facts() const {
  return {.user_id = parts_.user_id,
          .user_email = user_email(),
          .directory = parts_.directory ? &directory_ : nullptr,
          .claims = claims_.view(),
          .devices = devices_,
          .records = own_records_.view()};
}

std::string_view JoinedIdentity::user_email() const {
  return parts_.user ? std::string_view(parts_.user->email) : std::string_view();
}

std::string_view JoinedIdentity::assertion_email() const {
  if (parts_.directory && parts_.directory->email) {
    return *parts_.directory->email;
  }
  return user_email();
}

const codec::Node* JoinedIdentity::assertion_claim(std::string_view name) const {
  const codec::Node* claim = find_claim(parts_.session_claims, name);
  return claim == nullptr && parts_.user ? find_claim(parts_.user->claims, name) : claim;
}

}  // namespace vallum::session
