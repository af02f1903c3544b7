#include "identity/describe.h"

#include <utility>

namespace vallum::identity {
namespace {

using codec::Node;

std::string user_id_of(const Node& claims, const std::string& subject) {
  const Node* object_id = claims.find("oid");
  return object_id != nullptr && object_id->is_string() && !object_id->text().empty()
             ? object_id->text()
             : subject;
}

}  // namespace

Result<SignedIn> describe(const Node& claims, const std::string& subject) {
  SignedIn user;
  user.user_id = user_id_of(claims, subject);
  auto flat = flatten_claims(claims);
  if (!flat) {
    return fail(ErrorKind::Unauthenticated, std::string(flat.error().message()));
  }
  user.claims = *std::move(flat);
  user.name = first_text(user.claims, "name");
  user.email = usable_email(first_text(user.claims, "email"));
  const Node* verified = claims.find("email_verified");
  if (verified != nullptr && verified->is_bool()) {
    user.email_verified = verified->as_bool();
  }
  return user;
}

}  // namespace vallum::identity
