#include "session/credentials.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/cookie.h"

namespace vallum::session {
namespace {

constexpr std::string_view kOwnScheme = "Pomerium ";
constexpr std::string_view kOwnBearer = "Bearer Pomerium-";
constexpr std::string_view kQueryName = "pomerium_session=";

Unexpected fail_ambiguous() {
  return fail(ErrorKind::InvalidInput, "the request carries more than one session credential");
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

}  // namespace

bool Credentials::add(CredentialSource source, std::string_view text) {
  if (size_ == kMax) {
    return false;
  }
  found_[size_++] = {.source = source, .text = text};
  (source == CredentialSource::Cookie ? has_cookie_ : has_token_) = true;
  return true;
}

Result<Credentials> find_credentials(const CredentialPlaces& places, std::string_view cookie_name) {
  Credentials found;
  bool fits = true;
  for (std::string_view rest : places.cookie) {
    for (codec::CookiePair pair; codec::next_cookie(rest, pair);) {
      if (pair.name == cookie_name) {
        fits = fits && found.add(CredentialSource::Cookie, pair.value);
      }
    }
  }
  if (places.pomerium_authorization.size() > 1) {
    return fail_ambiguous();
  }
  for (const std::string_view value : places.pomerium_authorization) {
    fits = fits && found.add(CredentialSource::PomeriumAuthorization, trim_ows(value));
  }
  for (const std::string_view field : places.authorization) {
    const std::string_view value = trim_ows(field);
    if (places.authorization.size() > 1 && carries_own_credential(value)) {
      return fail_ambiguous();
    }
    if (value.starts_with(kOwnScheme)) {
      fits = fits && found.add(CredentialSource::Authorization, value.substr(kOwnScheme.size()));
    } else if (value.starts_with(kOwnBearer)) {
      fits =
          fits && found.add(CredentialSource::BearerAuthorization, value.substr(kOwnBearer.size()));
    }
  }
  for (std::string_view rest = places.query; !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    // A handle needs no escapes, so one that has some was not made by us.
    if (pair.starts_with(kQueryName)) {
      fits = fits && found.add(CredentialSource::Query, pair.substr(kQueryName.size()));
    }
  }
  if (!fits) {
    return fail_ambiguous();
  }
  return found;
}

bool carries_own_credential(std::string_view authorization) {
  constexpr std::string_view kBearer = "bearer";
  std::string_view rest = trim_ows(authorization);
  if (starts_with_ignoring_case(rest, kBearer)) {
    rest = trim_ows(rest.substr(kBearer.size()));
  }
  constexpr std::string_view kOwn = "pomerium";
  if (!starts_with_ignoring_case(rest, kOwn)) {
    return false;
  }
  rest.remove_prefix(kOwn.size());
  return rest.empty() || rest.front() == ' ' || rest.front() == '\t' || rest.front() == '-';
}

}  // namespace vallum::session
