#pragma once

#include <string>

#include "recordtools/connection.h"
#include "recordtools/sessions.h"

// The commands that ask a running databroker. Each prints its answer and returns the exit code: 0
// when what was asked for happened, 1 when it did not for a reason in the records or in the file's
// effect on them, 2 when it could not be tried.
namespace vallum::cli {

// vallum service-accounts create|list|revoke
struct CreateServiceAccountArguments {
  std::string user;
  std::string expires;  // "": never
  std::string description;
};
int create_service_account(const recordtools::WrittenConnection& connection,
                           const CreateServiceAccountArguments& arguments);
int list_service_accounts(const recordtools::WrittenConnection& connection);
int revoke_service_account(const recordtools::WrittenConnection& connection, const std::string& id);

// vallum directory import FILE
struct ImportArguments {
  std::string file;
  bool dry_run = false;
  bool force = false;
};
int import_directory(const recordtools::WrittenConnection& connection,
                     const ImportArguments& arguments);

// vallum sessions list|show|revoke
int list_sessions(const recordtools::WrittenConnection& connection,
                  const recordtools::SessionFilter& filter);
int show_session(const recordtools::WrittenConnection& connection, const std::string& id);
// By its id, or all of a user; the other one is "".
int revoke_sessions(const recordtools::WrittenConnection& connection,
                    const std::string& id,
                    const std::string& user);

}  // namespace vallum::cli
