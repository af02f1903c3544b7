#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/rpc/record_client.h"
#include "session/records.h"

// Tokens for programs that cannot sign in (identity specification 3.6).
namespace vallum::recordtools {

struct ServiceAccountWish {
  std::string user_id;
  std::string description;
  std::optional<WallTime> expires_at;
};

struct ServiceAccount {
  session::ServiceAccountRecord record;
  // Good while the record is there. Nobody can read it again.
  Secret token;
};

// "720h" from now, or "2026-12-31T00:00:00Z", in whole seconds. InvalidInput for what is neither,
// and for what is not in the future.
Result<WallTime> read_expiry(std::string_view text, WallTime now);

// InvalidInput for texts a record cannot hold, and for ids too long for a token.
Result<ServiceAccount> make_service_account(const ServiceAccountWish& wish,
                                            const Secret& shared_secret,
                                            WallTime now,
                                            Entropy& entropy);
// HS256 under the shared secret. The same account gives the same token.
Secret service_account_token(const session::ServiceAccountRecord& account,
                             const Secret& shared_secret);
// The token works on every node soon after it.
Result<void> store_service_account(databroker::RecordClient& client,
                                   const session::ServiceAccountRecord& account);

// Sorted by user, then by time.
Result<std::vector<session::ServiceAccountRecord>> list_service_accounts(
    databroker::RecordClient& client);
std::string service_accounts_text(const std::vector<session::ServiceAccountRecord>& accounts,
                                  WallTime now);

// NotFound: there is none with this id.
Result<void> revoke_service_account(databroker::RecordClient& client, const std::string& id);

}  // namespace vallum::recordtools
