#include "recordtools/service_accounts.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <tuple>
#include <utility>

#include "codec/go_duration.h"
#include "codec/json_writer.h"
#include "codec/rfc3339.h"
#include "crypto/hmac.h"
#include "crypto/jose/jws.h"
#include "recordtools/limits.h"
#include "recordtools/text.h"
#include "session/handle.h"

namespace vallum::recordtools {
namespace {

constexpr std::size_t kDescriptionBytesMax = 1024;

}  // namespace

Result<WallTime> read_expiry(std::string_view text, WallTime now) {
  auto at = codec::parse_rfc3339(text);
  if (!at) {
    const auto duration = codec::parse_go_duration(text);
    if (!duration) {
      return fail(ErrorKind::InvalidInput,
                  "--expires: '" + shown(text) +
                      "' is neither a duration such as 720h nor a time such as "
                      "2026-12-31T00:00:00Z");
    }
    if (*duration > WallTime::max() - now) {
      return fail(ErrorKind::InvalidInput, "--expires: that is too far away");
    }
    at = now + *duration;
  }
  const WallTime whole = std::chrono::floor<std::chrono::seconds>(*at);
  if (whole <= now) {
    return fail(ErrorKind::InvalidInput, "--expires: that is not in the future");
  }
  return whole;
}

Result<ServiceAccount> make_service_account(const ServiceAccountWish& wish,
                                            const Secret& shared_secret,
                                            WallTime now,
                                            Entropy& entropy) {
  if (wish.user_id.empty() || wish.user_id.size() > session::HandleCodec::kIdBytesMax) {
    return fail(ErrorKind::InvalidInput, "--user: the id of a user, 1 to 1024 bytes long");
  }
  if (wish.description.size() > kDescriptionBytesMax) {
    return fail(ErrorKind::InvalidInput, "--description: at most 1024 bytes");
  }
  const WallTime issued_at = std::chrono::floor<std::chrono::seconds>(now);
  session::ServiceAccountRecord record{.id = entropy.uuid(),
                                       .user_id = wish.user_id,
                                       .issued_at = issued_at,
                                       .expires_at = wish.expires_at,
                                       .description = wish.description};
  TRY_OK(session::encode_service_account(record));
  Secret token = service_account_token(record, shared_secret);
  return ServiceAccount{.record = std::move(record), .token = std::move(token)};
}

Secret service_account_token(const session::ServiceAccountRecord& account,
                             const Secret& shared_secret) {
  std::string claims;
  codec::JsonWriter json(claims);
  json.begin_object();
  if (account.expires_at) {
    json.member("exp", unix_seconds(*account.expires_at));
  }
  const std::int64_t issued_at = unix_seconds(account.issued_at.value_or(WallTime()));
  json.member("iat", issued_at)
      .member("jti", account.id)
      .member("nbf", issued_at)
      .member("sub", account.user_id)
      .end_object();
  crypto::Hmac key(crypto::MacAlgorithm::HmacSha256, shared_secret.expose());
  return Secret(std::string_view(crypto::sign_hs256(key, claims)));
}

Result<void> store_service_account(databroker::RecordClient& client,
                                   const session::ServiceAccountRecord& account) {
  TRY(auto value, session::encode_service_account(account));
  databroker::Batch batch;
  batch.push_back(
      databroker::Write::put(session::service_account_key(account.id), std::move(value)));
  return client.put(batch);
}

Result<std::vector<session::ServiceAccountRecord>> list_service_accounts(
    databroker::RecordClient& client) {
  std::vector<session::ServiceAccountRecord> accounts;
  std::string unreadable;
  bool is_too_long = false;
  TRY_OK(client.read_each(session::kServiceAccountType, [&](const databroker::Record& record) {
    auto account = session::decode_service_account(record.value);
    if (!account) {
      unreadable = record.id;
    } else if (accounts.size() == kListedMax) {
      is_too_long = true;
    } else {
      account->id = record.id;  // what a token is looked up by
      accounts.push_back(*std::move(account));
    }
  }));
  if (!unreadable.empty()) {
    return fail(ErrorKind::Internal,
                "the service account " + shown(unreadable) +
                    " cannot be read, and lets nobody in: vallum service-accounts revoke ends it");
  }
  if (is_too_long) {
    return fail(ErrorKind::ResourceExhausted, "there are more than a million service accounts");
  }
  std::ranges::sort(accounts, {}, [](const session::ServiceAccountRecord& account) {
    return std::tie(account.user_id, account.issued_at, account.id);
  });
  return accounts;
}

std::string service_accounts_text(const std::vector<session::ServiceAccountRecord>& accounts,
                                  WallTime now) {
  std::vector<std::vector<std::string>> rows{
      {"ID", "USER", "ISSUED", "EXPIRES", "ACCESSED", "DESCRIPTION"}};
  for (const session::ServiceAccountRecord& account : accounts) {
    rows.push_back({shown(account.id),
                    shown(account.user_id),
                    shown(account.issued_at),
                    shown(account.expires_at) + (account.valid_until() <= now ? " (expired)" : ""),
                    shown(account.accessed_at),
                    account.description.empty() ? "-" : shown(account.description)});
  }
  return table(rows);
}

Result<void> revoke_service_account(databroker::RecordClient& client, const std::string& id) {
  const databroker::RecordKey key = session::service_account_key(id);
  const auto found = client.get(key);
  if (!found) {
    return found.error().kind() == ErrorKind::NotFound
               ? fail(ErrorKind::NotFound,
                      "there is no service account with the id " + shown(id) +
                          ": vallum service-accounts list shows them")
               : fail(found.error());
  }
  databroker::Batch batch;
  batch.push_back(databroker::Write::remove(key));
  return client.put(batch);
}

}  // namespace vallum::recordtools
