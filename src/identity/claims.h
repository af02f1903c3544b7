#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/node.h"

namespace vallum::identity {

// What a provider says of a user, flattened: members of nested objects have names joined with dots,
// every value is a list, and elements keep their JSON type.
using Claims = std::map<std::string, std::vector<codec::Node>, std::less<>>;

// Bounds of what is stored per user. More is refused, never cut: a group that is missing could be
// one that a policy denies.
struct ClaimBounds {
  static constexpr std::size_t kNamesMax = 500;
  static constexpr std::size_t kNameBytesMax = 256;
  static constexpr std::size_t kTextBytesMax = 16 * 1024;
  static constexpr std::size_t kElementsMax = 5000;
  static constexpr std::size_t kBytesMax = 128 * 1024;
};

// The userinfo answer over the ID token's claims: its members win, its "email_verified" becomes a
// boolean when it is the text of one, and "mail" stands in for "email" (as some directories name
// it). Both must be objects.
codec::Node merge_userinfo(const codec::Node& id_token, const codec::Node& userinfo);

// Everything but iss, sub, exp and iat. A name that is written with dots wins over one that is
// joined. Empty objects vanish. InvalidInput, naming the claim, when a bound is exceeded or a text
// holds a NUL.
Result<Claims> flatten_claims(const codec::Node& claims);

// The first element when it is text; "" otherwise.
std::string_view first_text(const Claims& claims, std::string_view name);

// The address that policies may use: "" unless it has exactly one '@' with something on both sides.
// Two of them let a careless reader see another domain than a careful one.
std::string_view usable_email(std::string_view email);

}  // namespace vallum::identity
