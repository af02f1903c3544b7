#include "identity/id_token.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/jose/claims.h"
#include "identity/limits.h"

namespace vallum::identity {
namespace {

using codec::Node;

// OpenID Connect Core 2: at most 255 characters.
constexpr std::size_t kSubjectBytesMax = 255;

Unexpected refused(std::string_view why) {
  return fail(ErrorKind::Unauthenticated, std::string(why));
}

bool is_text(const Node* node, std::string_view text) {
  return node != nullptr && node->is_string() && node->text() == text;
}

Result<void> check_audience(const Node& claims, std::string_view client_id) {
  const Node* audience = claims.find("aud");
  if (audience == nullptr) {
    return refused("no 'aud'");
  }
  const bool ours =
      is_text(audience, client_id) || std::ranges::any_of(audience->items(), [&](const Node& item) {
        return is_text(&item, client_id);
      });
  if (!ours) {
    return refused("'aud' is not our client id");
  }
  const Node* authorized = claims.find("azp");
  if (authorized != nullptr && !is_text(authorized, client_id)) {
    return refused("'azp' is another client");
  }
  if (audience->items().size() > 1 && authorized == nullptr) {
    return refused("several audiences and no 'azp'");
  }
  return {};
}

Result<void> check_not_before(const Node& claims, WallTime now) {
  if (claims.find("nbf") == nullptr) {
    return {};
  }
  TRY(const WallTime not_before, date_claim(claims, "nbf"));
  if (not_before > now + Limits::kLeeway) {
    return refused("'nbf' is in the future: it is not valid yet, or a clock is wrong");
  }
  return {};
}

Result<void> check_nonce(const Node& claims, std::optional<std::string_view> nonce) {
  if (!nonce) {
    return {};
  }
  const Node* value = claims.find("nonce");
  if (value == nullptr || !value->is_string() ||
      !constant_time_equal(as_bytes(value->text()), as_bytes(*nonce))) {
    return refused("'nonce' is not the one of this attempt");
  }
  return {};
}

// OpenID Connect Core 3.1.3.6: the left half of the access token's hash.
Result<void> check_access_token_hash(const Node& claims, const IdTokenExpectation& expectation) {
  const Node* value = claims.find("at_hash");
  if (value == nullptr || !expectation.access_token) {
    return {};
  }
  const Bytes hash = crypto::hash(expectation.hash, as_bytes(*expectation.access_token));
  const std::string expected =
      codec::encode_base64(ByteView(hash).first(hash.size() / 2), codec::Base64::UrlRaw);
  if (!is_text(value, expected)) {
    return refused("'at_hash' is of another access token");
  }
  return {};
}

Result<std::string> subject_of(const Node& claims) {
  const Node* subject = claims.find("sub");
  if (subject == nullptr || !subject->is_string() || subject->text().empty() ||
      subject->text().size() > kSubjectBytesMax ||
      subject->text().find('\0') != std::string::npos) {
    return refused("'sub' is missing, empty or too long");
  }
  return subject->text();
}

}  // namespace

Result<void> check_issuer_and_audience(const Node& claims,
                                       std::string_view issuer,
                                       std::string_view client_id) {
  if (!is_text(claims.find("iss"), issuer)) {
    return refused("'iss' is not the provider's issuer");
  }
  return check_audience(claims, client_id);
}

Result<WallTime> date_claim(const Node& claims, std::string_view name) {
  const Node* value = claims.find(name);
  const auto date = value == nullptr ? std::nullopt : crypto::numeric_date(*value);
  if (!date) {
    return refused("'" + std::string(name) + "' is missing or not a date");
  }
  return *date;
}

Result<IdTokenFacts> check_id_token(const Node& claims, const IdTokenExpectation& expectation) {
  TRY_OK(check_issuer_and_audience(claims, expectation.issuer, expectation.client_id));
  TRY(const WallTime expires_at, date_claim(claims, "exp"));
  if (expires_at + Limits::kLeeway <= expectation.now) {
    return refused("'exp' is in the past: it has expired, or a clock is wrong");
  }
  TRY(const WallTime issued_at, date_claim(claims, "iat"));
  if (issued_at > expectation.now + Limits::kLeeway) {
    return refused("'iat' is in the future: a clock is wrong");
  }
  TRY_OK(check_not_before(claims, expectation.now));
  TRY_OK(check_nonce(claims, expectation.nonce));
  TRY_OK(check_access_token_hash(claims, expectation));
  TRY(std::string subject, subject_of(claims));
  return IdTokenFacts{
      .subject = std::move(subject), .issued_at = issued_at, .expires_at = expires_at};
}

}  // namespace vallum::identity
