#include "identity/signed_in_records.h"

#include <utility>

namespace vallum::identity {

session::ClaimSet claim_set(const Claims& claims) {
  session::ClaimSet set;
  for (const auto& [name, values] : claims) {
    set.push_back({.name = name, .values = codec::Node::list(values)});
  }
  return set;
}

Async<std::optional<databroker::Write>> groups_write(databroker::Databroker* broker,
                                                     ClaimedGroups claimed,
                                                     Deadline deadline) {
  const databroker::RecordKey key = session::directory_user_key(claimed.user_id);
  const Result<databroker::Record> present = co_await broker->get(key, deadline);
  std::uint64_t version = 0;
  if (present) {
    const Result<session::DirectoryUser> known = session::decode_directory_user(present->value);
    if (known && (!known->is_from_claim || present->modified_at > claimed.said_at)) {
      co_return std::nullopt;
    }
    version = present->version;
  } else if (present.error().kind() != ErrorKind::NotFound) {
    co_return fail(present.error());
  }
  session::DirectoryUser user;
  user.id = std::move(claimed.user_id);
  user.display_name = std::move(claimed.display_name);
  user.group_ids = codec::Node::list(std::move(claimed.groups));
  user.is_from_claim = true;
  CO_TRY(databroker::Value value, session::encode_directory_user(user));
  co_return databroker::Write::put(key, std::move(value)).if_version(version);
}

}  // namespace vallum::identity
