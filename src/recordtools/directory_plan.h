#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "databroker/lease_table.h"
#include "databroker/record.h"
#include "databroker/rpc/record_client.h"
#include "recordtools/directory_file.h"

namespace vallum::recordtools {

// What an import changes. A user's record, with all of the user's memberships, changes in one
// write: nobody is ever seen with some of the old groups and some of the new. Everything is one
// batch where that is small enough; else groups come before users who may be in them and go after,
// so that a group that an application is told of by name never lacks it.
struct DirectoryPlan {
  std::vector<databroker::Batch> batches;

  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t removed = 0;
  std::size_t unchanged = 0;
  // Of the changed ones: made from a claim at sign-in. The file knows better.
  std::size_t replaced_claims = 0;
  // Of all users that a directory wrote: a user in two groups has two.
  std::size_t memberships = 0;
  std::size_t memberships_dropped = 0;
  // Groups that somebody is in and nobody defines, with their place.
  std::vector<std::string> warnings;

  bool is_empty() const { return batches.empty(); }
  // So many that the file is more likely broken than right.
  bool drops_too_many() const;
  // "3 added, 1 changed, ..." and the memberships.
  std::string summary() const;
};

// `current` are all records of the types the file lists. Records that sign-in made from claims are
// never removed: no directory wrote them.
DirectoryPlan plan_import(DirectoryFile file, const std::vector<databroker::Record>& current);

// Reads what is there and plans.
Result<DirectoryPlan> plan_import(databroker::RecordClient& client, DirectoryFile file);

// The right to import: one import at a time, from reading what is there to the last write. It is
// given back at the end, and ends by itself after kImportTimeout.
class ImportTurn {
 public:
  // Conflict: another import is under way. The client outlives the turn.
  static Result<std::unique_ptr<ImportTurn>> take(databroker::RecordClient& client);
  ImportTurn(const ImportTurn&) = delete;
  ImportTurn& operator=(const ImportTurn&) = delete;
  ~ImportTurn();

  // Writes batch after batch. What was written before an error stays; the same import goes on
  // there. Conflict when the turn has ended meanwhile.
  Result<void> write(DirectoryPlan plan);

 private:
  ImportTurn(databroker::RecordClient& client, databroker::Lease lease)
      : client_(client), lease_(std::move(lease)) {}

  databroker::RecordClient& client_;
  databroker::Lease lease_;
};

}  // namespace vallum::recordtools
