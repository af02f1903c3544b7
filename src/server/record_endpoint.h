#pragma once

#include <cstdint>
#include <memory>

#include "async/blocking_pool.h"
#include "async/core.h"
#include "async/task.h"
#include "base/result.h"
#include "base/secret_list.h"
#include "config/settings.h"
#include "databroker/databroker.h"
#include "databroker/rpc/record_server.h"

namespace vallum::server {

// The listener on which other processes ask for records. One core answers.
class RecordEndpoint {
 public:
  // Call it last before the core runs: gRPC serves at once. Opens what the settings ask for, which
  // may be nothing. The core, the databroker and the settings outlive it. Fails with text that
  // names the option.
  static Result<std::unique_ptr<RecordEndpoint>> open(async::Core& core,
                                                      databroker::Databroker& broker,
                                                      const config::Settings& settings);
  RecordEndpoint(const RecordEndpoint&) = delete;
  RecordEndpoint& operator=(const RecordEndpoint&) = delete;

  // Where it listens; 0 when it does not.
  std::uint16_t port() const { return server_ == nullptr ? std::uint16_t{0} : server_->port(); }

  // Other secrets verify callers from now on. On that core.
  void use(const SecretList& shared_secrets) { desk_.use(shared_secrets); }

  // Takes no more calls and waits for the answers. While the core still runs; on it.
  Task<void> close();

 private:
  RecordEndpoint(async::Core& core,
                 databroker::Databroker& broker,
                 const SecretList& shared_secrets);

  databroker::Desk desk_;
  std::unique_ptr<databroker::RecordServer> server_;
  // Before the server: it must not wait for itself.
  async::BlockingPool stopping_;
};

}  // namespace vallum::server
