#pragma once

#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/key_encryption_keys.h"
#include "policy/record_source.h"
#include "session/identity_cache.h"

namespace vallum::policytools {

struct SessionStore {
  std::string directory;  // of vallum.db
  const crypto::KeyEncryptionKeys& keys;
  // That policies ask about.
  std::vector<policy::RecordSource> records = {};
};

// Who a session or service account of a store stands for, also while a server has the store open:
// the file is copied to a directory of this user's own, which is removed again, and the copy is
// opened and checked as a server would. What is copied is sealed; the store is not written to.
//
// NotFound when there is no such session, or it has ended. Unavailable when the store changed under
// every copy. Blocks.
Result<session::IdentityRef> read_stored_session(const SessionStore& store,
                                                 const std::string& session_id,
                                                 const Clock& clock,
                                                 Entropy& entropy);

}  // namespace vallum::policytools
