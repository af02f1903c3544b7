#include "scenario/situation.h"

#include <utility>

#include "codec/rfc3339.h"
#include "policy/ssh_key.h"
#include "scenario/certificate_reader.h"

namespace vallum::scenario {

using codec::Node;

std::string_view text_of(const Node* map, std::string_view key) {
  const Node* value = map == nullptr ? nullptr : map->find(key);
  return value != nullptr && value->is_string() ? std::string_view(value->text())
                                                : std::string_view();
}

const Node* find_given(const Node* map, std::string_view key) {
  const Node* value = map == nullptr ? nullptr : map->find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

namespace {

constexpr std::string_view kSessionType = "type.googleapis.com/session.Session";
constexpr std::string_view kUserType = "type.googleapis.com/user.User";

const Node* find_record(const Node& input, std::string_view type, std::string_view id) {
  return find_given(find_given(find_given(&input, "records"), type), id);
}

// Times of the corpus are UTC with second precision, so that they sort as text.
const Node* unexpired(const Node* record, const Node& input) {
  const std::string_view expires = text_of(record, "expires_at");
  return !expires.empty() && expires <= text_of(&input, "time") ? nullptr : record;
}

const Node* find_session(const Node& input, std::string_view id) {
  const Node* own = find_given(&input, "session");
  const Node* record = text_of(own, "id") == id ? own : find_record(input, kSessionType, id);
  return unexpired(record, input);
}

const Node* current_session(const Node& input) {
  const Node* account = find_given(&input, "service_account");
  const Node* session = find_given(&input, "session");
  std::string_view id = text_of(&input, "session_id");
  id = id.empty() ? text_of(session, "id") : id;
  id = id.empty() ? text_of(account, "id") : id;
  if (id.empty()) {
    return nullptr;
  }
  if (account != nullptr && text_of(account, "id") == id && unexpired(account, input) != nullptr) {
    return account;
  }
  const Node* own = find_session(input, id);
  const std::string_view target = text_of(own, "impersonate_session_id");
  return target.empty() ? own : find_session(input, target);
}

// Null without an id.
const Node* find_by_id(const Node* list, std::string_view id) {
  if (list == nullptr || id.empty()) {
    return nullptr;
  }
  for (const Node& record : list->items()) {
    if (text_of(&record, "id") == id) {
      return &record;
    }
  }
  return nullptr;
}

}  // namespace

Identity identify(const Node& input) {
  Identity identity;
  identity.session = current_session(input);
  const std::string_view user_id = text_of(identity.session, "user_id");
  if (user_id.empty()) {
    return identity;
  }
  const Node* user = find_given(&input, "user");
  identity.user = text_of(user, "id") == user_id ? user : find_record(input, kUserType, user_id);
  const Node* directory = find_given(&input, "directory_user");
  const Node* groups = find_given(&input, "groups");
  const bool groups_are_theirs =
      groups != nullptr && (user == nullptr || text_of(user, "id") == user_id);
  const bool directory_is_theirs = text_of(directory, "id") == user_id;
  identity.in_directory = groups_are_theirs || directory_is_theirs;
  if (directory_is_theirs) {
    identity.directory_email = text_of(directory, "email");
    identity.groups = find_given(directory, "group_ids");
  }
  if (groups_are_theirs) {
    identity.groups = groups;
  }
  return identity;
}

std::optional<WallTime> instant_of(const Node& input) {
  return codec::parse_rfc3339(text_of(&input, "time"));
}

Situation::Situation(const Node& input) {
  facts_.now = instant_of(input);
  const Node* http = input.find("http");
  facts_.request.method = text_of(http, "method");
  facts_.request.path = text_of(http, "path");
  const Node* headers = find_given(http, "headers");
  facts_.request.origin = text_of(headers, "Origin");
  facts_.request.access_control_request_method = text_of(headers, "Access-Control-Request-Method");
  facts_.request.client_ip = IpAddress::parse(text_of(http, "ip"));
  add_session(input);
  add_certificate(find_given(http, "client_certificate"));
  const Node* mcp = find_given(&input, "mcp");
  facts_.mcp.method = text_of(mcp, "method");
  const Node* name = find_given(find_given(mcp, "tool_call"), "name");
  if (name != nullptr) {
    facts_.mcp.tool = name->text();
  }
  add_ssh(find_given(&input, "ssh"));
}

// {type: {field: value}}, null for a record that does not exist.
void Situation::add_records(const Node* records) {
  if (records == nullptr) {
    return;
  }
  for (const Node::Member& record : records->members()) {
    if (record.value.is_map()) {
      records_.add(record.key, record.value);
    } else {
      records_.add_missing(record.key);
    }
  }
}

void Situation::add_session(const Node& input) {
  const Identity identity = identify(input);
  if (identity.session == nullptr) {
    return;
  }
  policy::ClaimTable::Builder claims;
  for (const Node* owner : {identity.session, identity.user}) {
    const Node* given = find_given(owner, "claims");
    if (given != nullptr) {
      for (const Node::Member& claim : given->members()) {
        claims.set(claim.key, claim.value);
      }
    }
  }
  claims_ = std::move(claims).build();
  session_.user_id = text_of(identity.session, "user_id");
  session_.user_email = text_of(identity.user, "email");
  session_.claims = claims_.view();
  if (identity.in_directory) {
    directory_email_ = identity.directory_email;
    groups_ = identity.groups == nullptr ? policy::ValueList()
                                         : policy::ValueList::of_node(*identity.groups);
    directory_ = {.email = directory_email_, .groups = groups_.values()};
    session_.directory = &directory_;
  }
  add_devices(input, *identity.session);
  add_records(find_given(&input, "own_records"));
  session_.records = records_.view();
  facts_.session = &session_;
}

void Situation::add_devices(const Node& input, const Node& session) {
  const Node* entries = find_given(&session, "device_credentials");
  const Node* records = find_given(&input, "devices");
  if (entries == nullptr) {
    return;
  }
  for (const Node& entry : entries->items()) {
    policy::DeviceFacts device{.type_id = text_of(&entry, "type_id"),
                               .credential_id = text_of(&entry, "id")};
    const Node* credential = find_by_id(find_given(records, "credentials"), device.credential_id);
    device.is_recorded = credential != nullptr;
    const Node* enrollment =
        find_by_id(find_given(records, "enrollments"), text_of(credential, "enrollment_id"));
    if (enrollment != nullptr) {
      device.enrollment = text_of(enrollment, "approved_by").empty()
                              ? policy::Enrollment::Unapproved
                              : policy::Enrollment::Approved;
    }
    devices_.push_back(device);
  }
  session_.devices = devices_;
}

void Situation::add_certificate(const Node* certificate) {
  if (certificate == nullptr) {
    return;
  }
  const auto flag = [&](std::string_view key) {
    const Node* value = certificate->find(key);
    return value != nullptr && value->is_bool() && value->as_bool();
  };
  if (!flag("valid")) {
    facts_.certificate_verdict = flag("presented") ? policy::CertificateVerdict::Invalid
                                                   : policy::CertificateVerdict::NotPresented;
  }
  leaf_ = read_leaf(text_of(certificate, "leaf"));
  facts_.leaf = leaf_ ? &*leaf_ : nullptr;
}

void Situation::add_ssh(const Node* ssh) {
  if (ssh == nullptr) {
    return;
  }
  facts_.ssh.username = text_of(ssh, "username");
  ssh_key_ = policy::parse_authorized_key(text_of(ssh, "public_key")).value_or("");
  facts_.ssh.public_key = ssh_key_;
  const std::optional<policy::SshCertificate> certificate = policy::parse_ssh_certificate(ssh_key_);
  if (!certificate) {
    return;
  }
  // Every certificate of the corpus is signed well, and valid from 2020 to 2040 unless it was
  // issued for one hour.
  constexpr std::uint64_t kNow = 1'772'443'800;  // 2026-03-02T09:30:00Z, the corpus' instant
  ssh_signature_key_ = certificate->signature_key;
  ssh_principals_ = certificate->principals;
  ssh_certificate_ = {
      .signature_key = ssh_signature_key_,
      .is_user_certificate = certificate->is_user,
      .signature_valid = true,
      .in_validity_period = certificate->valid_after <= kNow && kNow < certificate->valid_before,
      .has_unknown_critical_option = false,
      .principals = ssh_principals_,
      .source_addresses = std::nullopt};
  for (const policy::SshCriticalOption& option : certificate->critical_options) {
    if (option.name != "source-address") {
      ssh_certificate_.has_unknown_critical_option = true;
      continue;
    }
    for (const std::string& network :
         policy::parse_source_addresses(option.value).value_or(std::vector<std::string>())) {
      if (const std::optional<IpPrefix> prefix = IpPrefix::parse(network)) {
        ssh_sources_.push_back(*prefix);
      }
    }
    ssh_certificate_.source_addresses = ssh_sources_;
  }
  facts_.ssh.certificate = &ssh_certificate_;
}

}  // namespace vallum::scenario
