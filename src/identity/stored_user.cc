#include "identity/stored_user.h"

#include <utility>

#include "codec/json_writer.h"
#include "codec/node.h"

namespace vallum::identity {
namespace {

// Encoded, the same may differ: maps have no order.
std::string text_of(const session::DirectoryUser& user) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.any_key("id").value(user.id);
  json.any_key("email").value(user.email.value_or(""));
  json.any_key("display_name").value(user.display_name);
  json.any_key("group_ids");
  codec::write_node(json, user.group_ids);
  json.end_object();
  return text;
}

}  // namespace

session::ClaimSet claim_set(const Claims& claims) {
  session::ClaimSet set;
  for (const auto& [name, values] : claims) {
    set.push_back({.name = name, .values = codec::Node::list(values)});
  }
  return set;
}

std::optional<ClaimedGroups> claimed_groups(std::string_view claim,
                                            std::string user_id,
                                            std::string display_name,
                                            const Claims& claims,
                                            WallTime said_at) {
  if (claim.empty()) {
    return std::nullopt;
  }
  ClaimedGroups claimed{.user_id = std::move(user_id),
                        .display_name = std::move(display_name),
                        .groups = {},
                        .said_at = said_at};
  if (const auto found = claims.find(claim); found != claims.end()) {
    claimed.groups = found->second;
  }
  return claimed;
}

Async<std::optional<databroker::Write>> directory_write(databroker::Databroker* broker,
                                                        ClaimedGroups claimed,
                                                        Deadline deadline) {
  const databroker::RecordKey key = session::directory_user_key(claimed.user_id);
  const Result<databroker::Record> present = co_await broker->get(key, deadline);
  if (!present && present.error().kind() != ErrorKind::NotFound) {
    co_return fail(present.error());
  }
  std::string before;
  if (present) {
    const Result<session::DirectoryUser> known = session::decode_directory_user(present->value);
    if (known && (!known->is_from_claim || present->modified_at > claimed.said_at)) {
      co_return std::nullopt;
    }
    before = known ? text_of(*known) : std::string();
  }
  session::DirectoryUser user;
  user.id = std::move(claimed.user_id);
  user.display_name = std::move(claimed.display_name);
  user.group_ids = codec::Node::list(std::move(claimed.groups));
  user.is_from_claim = true;
  CO_TRY(databroker::Value value, session::encode_directory_user(user));
  CO_TRY(const session::DirectoryUser after, session::decode_directory_user(value));
  if (text_of(after) == before) {
    co_return std::nullopt;
  }
  co_return databroker::Write::put(key, std::move(value))
      .if_version(present ? present->version : 0);
}

}  // namespace vallum::identity
