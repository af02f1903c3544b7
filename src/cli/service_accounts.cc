#include "recordtools/service_accounts.h"

#include <utility>

#include "cli/answer.h"
#include "cli/record_commands.h"
#include "cli/with_databroker.h"
#include "recordtools/text.h"

namespace vallum::cli {

namespace {

Result<recordtools::ServiceAccount> create(Databroker& databroker,
                                           const CreateServiceAccountArguments& arguments) {
  recordtools::ServiceAccountWish wish{
      .user_id = arguments.user, .description = arguments.description, .expires_at = std::nullopt};
  const WallTime now = databroker.clock.wall();
  if (!arguments.expires.empty()) {
    TRY(wish.expires_at, recordtools::read_expiry(arguments.expires, now));
  }
  TRY(auto made,
      recordtools::make_service_account(wish, databroker.shared_secret, now, databroker.entropy));
  TRY_OK(recordtools::store_service_account(*databroker.client, made.record));
  return made;
}

}  // namespace

int create_service_account(const recordtools::WrittenConnection& connection,
                           const CreateServiceAccountArguments& arguments) {
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto made = create(databroker, arguments);
  if (!made) {
    return cannot_say(made.error());
  }
  say("service account " + made->record.id + " of user " +
      recordtools::shown(made->record.user_id) + ", expires: " +
      (made->record.expires_at ? recordtools::shown(made->record.expires_at) : "never") +
      "\nIts token is shown this once:\n");
  print_answer(made->token.expose_text());
  print_answer("\n");
  return 0;
}

int list_service_accounts(const recordtools::WrittenConnection& connection) {
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto accounts = recordtools::list_service_accounts(*databroker.client);
  if (!accounts) {
    return cannot_say(accounts.error());
  }
  print_answer(recordtools::service_accounts_text(*accounts, databroker.clock.wall()));
  return 0;
}

int revoke_service_account(const recordtools::WrittenConnection& connection,
                           const std::string& id) {
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto revoked = recordtools::revoke_service_account(*databroker.client, id);
  if (!revoked) {
    return not_done(revoked.error());
  }
  say("service account " + recordtools::shown(id) + " is revoked\n");
  return 0;
}

}  // namespace vallum::cli
