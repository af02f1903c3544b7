#include "identity/token_holder.h"

#include <utility>

#include "crypto/jose/claims.h"
#include "identity/limits.h"

namespace vallum::identity {
namespace {

using codec::Node;

// OpenID Connect Core 2: at most 255 characters.
constexpr std::size_t kSubjectBytesMax = 255;

Unexpected refused(std::string_view name, std::string_view why) {
  return fail(ErrorKind::Unauthenticated, std::string(name) + ": " + std::string(why));
}

Result<std::optional<WallTime>> date_of(const Node& claims,
                                        std::string_view member,
                                        std::string_view name) {
  const Node* value = claims.find(member);
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto date = crypto::numeric_date(*value);
  if (!date) {
    return refused(name, "'" + std::string(member) + "' is not a date");
  }
  return date;
}

}  // namespace

Result<TokenHolder> describe_holder(const Node& claims) {
  TokenHolder holder;
  auto flat = flatten_claims(claims);
  if (!flat) {
    return fail(ErrorKind::Unauthenticated, std::string(flat.error().message()));
  }
  holder.claims = *std::move(flat);
  holder.name = first_text(holder.claims, "name");
  const Node* verified = claims.find("email_verified");
  if (verified == nullptr || !verified->is_bool() || verified->as_bool()) {
    holder.email = usable_email(first_text(holder.claims, "email"));
  }
  return holder;
}

Result<std::string> subject_of(const Node& claims, std::string_view name) {
  const Node* subject = claims.find("sub");
  if (subject == nullptr || !subject->is_string() || subject->text().empty() ||
      subject->text().size() > kSubjectBytesMax ||
      subject->text().find('\0') != std::string::npos) {
    return refused(name, "'sub' is missing, empty or too long");
  }
  return subject->text();
}

Result<Validity> validity_of(const Node& claims, WallTime now, std::string_view name) {
  Validity validity;
  TRY(validity.expires_at, date_of(claims, "exp", name));
  if (validity.expires_at && *validity.expires_at <= now) {
    return refused(name, "'exp' is in the past: it has expired, or a clock is wrong");
  }
  TRY(validity.issued_at, date_of(claims, "iat", name));
  if (validity.issued_at && *validity.issued_at > now + Limits::kLeeway) {
    return refused(name, "'iat' is in the future: a clock is wrong");
  }
  TRY(const std::optional<WallTime> not_before, date_of(claims, "nbf", name));
  if (not_before && *not_before > now + Limits::kLeeway) {
    return refused(name, "'nbf' is in the future: it is not valid yet, or a clock is wrong");
  }
  return validity;
}

}  // namespace vallum::identity
