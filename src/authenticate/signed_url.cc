#include "authenticate/signed_url.h"

#include <algorithm>
#include <utility>

#include "authenticate/parameters.h"
#include "base/check.h"
#include "base/strings.h"
#include "codec/base64.h"

namespace vallum::authenticate {

namespace {

// Unix seconds as this deployment writes them: a positive number of at most 12 digits.
Result<WallTime> parse_seconds(const codec::Query& query, std::string_view name) {
  const std::string* text = query.find(name);
  if (text == nullptr || text->size() > 12) {
    return fail(ErrorKind::InvalidInput, "signed URL: a time is missing or malformed");
  }
  // Nanoseconds since 1970 end in 2262; nobody means a time beyond 2255.
  constexpr std::uint64_t kSecondsMax = 9'000'000'000;
  const std::optional<std::uint64_t> seconds = parse_u64(*text);
  if (!seconds || *seconds > kSecondsMax) {
    return fail(ErrorKind::InvalidInput, "signed URL: a time is missing or malformed");
  }
  return from_unix_seconds(static_cast<std::int64_t>(*seconds));
}

Result<void> refuse_duplicates(const codec::Query& query) {
  for (const auto& [name, value] : query.pairs()) {
    if (name.starts_with("pomerium_") && query.all(name).size() > 1) {
      return fail(ErrorKind::InvalidInput, "signed URL: parameter '" + name + "' stands twice");
    }
  }
  return {};
}

Result<void> check_times(const codec::Query& query, WallTime now) {
  TRY(const WallTime issued, parse_seconds(query, parameter::kIssued));
  TRY(const WallTime expiry, parse_seconds(query, parameter::kExpiry));
  if (now - UrlSigner::kLeeway > expiry) {
    return fail(ErrorKind::InvalidInput, "signed URL: it has expired");
  }
  if (now + UrlSigner::kLeeway < issued) {
    return fail(ErrorKind::InvalidInput,
                "signed URL: it was issued in the future; check the clocks");
  }
  if (expiry - issued > UrlSigner::kLifetimeMax) {
    return fail(ErrorKind::InvalidInput, "signed URL: it claims to live too long");
  }
  return {};
}

}  // namespace

std::string signed_base(const http::Request& request) {
  std::string base = "https://";
  base.append(request.authority.without_port(443).text()).append(request.path);
  return base;
}

UrlSigner::UrlSigner(const SecretList& shared_keys) {
  CHECK(shared_keys.has_value());
  for (const Secret& key : shared_keys.all()) {
    macs_.emplace_back(crypto::MacAlgorithm::HmacSha512Trunc256, key.expose());
  }
}

std::string UrlSigner::signature_of(crypto::Hmac& mac,
                                    std::string_view base,
                                    const codec::Query& query,
                                    std::string_view issued,
                                    std::string_view expiry) {
  std::string message(base);
  message.append("?").append(query.encode()).append(issued).append(" ").append(expiry);
  return codec::encode_base64(mac.mac(as_bytes(message)), codec::Base64::Url);
}

std::string UrlSigner::sign(std::string_view base, codec::Query query, WallTime now) {
  const std::string issued = std::to_string(unix_seconds(now));
  const std::string expiry = std::to_string(unix_seconds(now + kLifetime));
  query.remove(parameter::kSignature);
  query.set(parameter::kIssued, issued);
  query.set(parameter::kExpiry, expiry);
  query.set(parameter::kSignature, signature_of(macs_.front(), base, query, issued, expiry));
  std::string url(base);
  url.append("?").append(query.encode());
  return url;
}

Result<codec::Query> UrlSigner::verify(std::string_view base,
                                       std::string_view query,
                                       WallTime now) {
  TRY(codec::Query parsed, codec::Query::parse(query));
  TRY_OK(refuse_duplicates(parsed));
  const std::string* signature = parsed.find(parameter::kSignature);
  if (signature == nullptr) {
    return fail(ErrorKind::InvalidInput, "signed URL: the signature is missing");
  }
  const std::string presented = *signature;
  parsed.remove(parameter::kSignature);
  TRY_OK(check_times(parsed, now));
  const std::string issued = *parsed.find(parameter::kIssued);
  const std::string expiry = *parsed.find(parameter::kExpiry);
  const bool matches = std::ranges::any_of(macs_, [&](crypto::Hmac& mac) {
    const std::string expected = signature_of(mac, base, parsed, issued, expiry);
    return constant_time_equal(as_bytes(presented), as_bytes(expected));
  });
  if (!matches) {
    return fail(ErrorKind::InvalidInput, "signed URL: the signature does not match");
  }
  return parsed;
}

}  // namespace vallum::authenticate
