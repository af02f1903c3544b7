#pragma once

#include <cstdint>
#include <memory>
#include <string>

// For the files of this folder that make calls; they include gRPC anyhow.
#include <grpcpp/alarm.h>                 // NOLINT(vallum-headers): see above
#include <grpcpp/generic/generic_stub.h>  // NOLINT(vallum-headers): see above
#include <grpcpp/grpcpp.h>                // NOLINT(vallum-headers): see above

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "databroker/rpc/record_client.h"
#include "proto/databroker.grpc.pb.h"  // NOLINT(vallum-headers): see above

namespace vallum::databroker {

// Who reads the text of an error, and so which options cure it.
enum class Asker : std::uint8_t { Command, Service };

// A connection to one databroker, made when it is first needed and kept up by gRPC. Any thread.
class RecordChannel {
 public:
  struct Options {
    Asker asker = Asker::Command;
    // How often the other end has to show that it is there; zero: never.
    Duration keepalive{0};
  };
  // InvalidInput for clear text beyond loopback. Clock and entropy outlive it and are for any
  // thread that calls.
  static Result<std::unique_ptr<RecordChannel>> make(RecordClientOptions to,
                                                     Options options,
                                                     const Clock& clock,
                                                     Entropy& entropy);
  RecordChannel(const RecordChannel&) = delete;
  RecordChannel& operator=(const RecordChannel&) = delete;

  const RecordClientOptions& to() const { return to_; }
  ::databroker::DataBrokerService::Stub& stub() { return *stub_; }
  // For methods by name, with messages as they are on the wire.
  grpc::GenericStub& wire_stub() { return *wire_stub_; }
  grpc::Channel& channel() { return *channel_; }

  // Says who calls, and for how long the answer is waited for.
  void prepare(grpc::ClientContext& context, Duration timeout);
  // The same for a stream without an end.
  void prepare_endless(grpc::ClientContext& context);

  // What a status of a call means, in words that name the address and the cure. Nothing for OK.
  Result<void> outcome(const grpc::Status& status, Duration timeout) const;

 private:
  RecordChannel(RecordClientOptions to, Asker asker, const Clock& clock, Entropy& entropy)
      : to_(std::move(to)), asker_(asker), clock_(clock), entropy_(entropy) {}

  RecordClientOptions to_;
  Asker asker_;
  const Clock& clock_;
  Entropy& entropy_;
  decltype(grpc::CreateChannel({}, nullptr)) channel_;
  std::unique_ptr<::databroker::DataBrokerService::Stub> stub_;
  std::unique_ptr<grpc::GenericStub> wire_stub_;
};

}  // namespace vallum::databroker
