#pragma once

#include <memory>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/rpc/record_client.h"
#include "recordtools/connection.h"

namespace vallum::cli {

// What a command needs to ask the databroker that the operator named.
struct Databroker {
  SystemClock clock;
  SystemEntropy entropy;
  Secret shared_secret;
  std::unique_ptr<databroker::RecordClient> client;

  // Nothing is connected yet. The value stays where it is: the client knows clock and entropy.
  Result<void> find(const recordtools::WrittenConnection& connection);
};

// To standard error, as everything but an answer.
void say(std::string_view text);
// Says why, and returns 1 for what there is not, 2 for everything else.
int not_done(const Error& error);

}  // namespace vallum::cli
