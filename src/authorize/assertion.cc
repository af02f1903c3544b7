#include "authorize/assertion.h"

#include "codec/json_writer.h"
#include "session/assertion_claims.h"

namespace vallum::authorize {

namespace {

// One header must not make the application refuse the request.
constexpr std::size_t kClaimHeaderBytesMax = 8 * 1024;

}  // namespace

std::string sign_assertion(const AssertionSubject& subject,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy) {
  std::string issuer(subject.host);
  if (subject.issuer_format == config::IssuerFormat::Uri) {
    issuer = "https://" + issuer + "/";
  }
  const std::int64_t issued_at = unix_seconds(now);
  std::string payload;
  codec::JsonWriter json(payload);
  json.begin_object()
      .member("iss", issuer)
      .member("aud", subject.host)
      .member("jti", entropy.uuid_text().view())
      .member("iat", issued_at)
      .member("exp", issued_at + kAssertionLifetime.count());
  session::append_assertion_claims(json, subject.identity, subject.extra_claims);
  json.end_object();
  return key.sign(payload);
}

std::string identity_lines(const AssertionSubject& subject,
                           std::span<const config::ClaimHeader> headers,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy) {
  std::string lines = "X-Pomerium-Jwt-Assertion: ";
  lines.append(sign_assertion(subject, key, now, entropy)).append("\r\n");
  for (const config::ClaimHeader& header : headers) {
    const std::string value = session::claim_header_value(subject.identity, header.claim);
    lines.append(header.header).append(": ");
    if (value.size() <= kClaimHeaderBytesMax) {
      lines.append(value);
    }
    lines.append("\r\n");
  }
  return lines;
}

}  // namespace vallum::authorize
