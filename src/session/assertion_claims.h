#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json_writer.h"
#include "policy/value.h"

namespace vallum::session {

class JoinedIdentity;

// What applications are told of an identity (policy specification 5.2, 5.4, 5.5); all of these take
// null for nobody.

// Which of the directory's groups are told.
class GroupsFilter {
 public:
  // Everything.
  GroupsFilter() = default;
  // These ids, sorted; nothing at all stands for everything. They outlive the filter.
  explicit GroupsFilter(std::span<const std::string> ids) : ids_(ids) {}

  bool passes(std::string_view id) const;
  // How many of a directory's groups are not told.
  std::size_t removed_from(const JoinedIdentity* identity) const;

 private:
  std::span<const std::string> ids_;
};

// Appends sub, user, email, groups, sid and name, and every claim of `extra` that is there and not
// one of these, as one text. Requires an open object.
void append_assertion_claims(codec::JsonWriter& json,
                             const JoinedIdentity* identity,
                             std::span<const std::string> extra,
                             GroupsFilter filter);

// Directory group ids followed by the names of those that have one; the claim "groups" when the
// directory lists none.
std::vector<std::string> assertion_groups(const JoinedIdentity* identity, GroupsFilter filter);

std::string assertion_name(const JoinedIdentity& identity);

// The value of a header for a claim of the identity: lists joined by commas, "" when there is none.
// Made safe to stand in a header line: an element with a comma, a control or a byte outside ASCII
// is percent-encoded, so that "a,b" is not two groups.
std::string claim_header_value(const JoinedIdentity* identity,
                               std::string_view claim,
                               GroupsFilter filter);

// The elements of a claim joined by commas; numbers as existing consumers know them (1000000 is
// "1e+06"). Null, lists and objects are left out.
std::string join_claim(const policy::Claim& claim);

}  // namespace vallum::session
