#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "databroker/lease_table.h"
#include "databroker/record.h"

namespace vallum::databroker {

struct RecordClientOptions {
  std::string address;  // HOST:PORT
  Secret shared_secret;
  // Which of the services the caller acts as: its role (Role) bounds what it may do.
  std::string service = "identity-manager";
  // No TLS; only for an address that is_loopback_address().
  bool clear_text = false;
  // Whom TLS trusts; empty: whom the machine trusts.
  std::string authorities_pem;
  // Shown when the databroker asks for a certificate; empty: none.
  std::string certificate_pem;
  Secret private_key_pem;
  // The name the databroker's certificate must have; empty: the host of the address.
  std::string server_name;
  // Of one call, and of reading all records of a type.
  Duration call_timeout = std::chrono::seconds(10);
  Duration stream_timeout = std::chrono::minutes(10);
};

// "localhost:5443", "127.0.0.1:5443", "[::1]:5443".
bool is_loopback_address(std::string_view address);

// Asks a databroker in another process, for commands: each call blocks. The errors are for an
// operator: they name the address, what is wrong, and the option of the command that cures it.
// One thread at a time.
class RecordClient {
 public:
  // Connects at the first call. InvalidInput for clear text beyond loopback. `clock` and `entropy`
  // outlive the client.
  static Result<std::unique_ptr<RecordClient>> make(RecordClientOptions options,
                                                    const Clock& clock,
                                                    Entropy& entropy);
  RecordClient(const RecordClient&) = delete;
  RecordClient& operator=(const RecordClient&) = delete;
  ~RecordClient();

  const std::string& address() const;

  // NotFound: there is no such record.
  Result<Record> get(const RecordKey& key);
  // Every record of the type as it is now, one after the other, in no order. Nothing about the type
  // may be believed when it fails.
  Result<void> read_each(std::string_view type, UniqueFunction<void(Record)> take);
  // All or none. What a write expects of the record's version cannot be said on the wire: it must
  // expect nothing. All have the same fence or none; Conflict when its lease is no longer held.
  Result<void> put(const Batch& batch);

  // Conflict: somebody else has it. It ends by itself after the duration.
  Result<Lease> acquire_lease(const std::string& name, Duration duration);
  Result<void> release_lease(const std::string& name, const std::string& id);

 private:
  struct Native;
  struct Call;

  struct Timeouts {
    Duration call;
    Duration stream;
  };
  RecordClient(Timeouts timeouts, const Clock& clock, std::unique_ptr<Native> native);

  Timeouts timeouts_;
  const Clock& clock_;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
