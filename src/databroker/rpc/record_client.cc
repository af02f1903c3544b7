#include "databroker/rpc/record_client.h"

#include <chrono>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "base/check.h"
#include "base/strings.h"
#include "databroker/messages.h"
#include "databroker/rpc/record_channel.h"
#include "net/socket_address.h"
#include "proto/databroker.grpc.pb.h"

namespace vallum::databroker {
bool is_loopback_address(std::string_view address) {
  const auto literal = net::SocketAddress::parse(address);
  return literal ? literal->ip.is_loopback()
                 : iequals(address.substr(0, address.rfind(':')), "localhost");
}

struct RecordClient::Native {
  std::unique_ptr<RecordChannel> channel;
};

// What one call needs beside its messages.
struct RecordClient::Call {
  Call(RecordClient& client, Duration timeout_of_call)
      : channel(*client.native_->channel), timeout(timeout_of_call) {
    channel.prepare(context, timeout);
  }
  Result<void> outcome(const grpc::Status& status) const {
    return channel.outcome(status, timeout);
  }

  RecordChannel& channel;
  Duration timeout;
  grpc::ClientContext context;
};

RecordClient::RecordClient(Timeouts timeouts, const Clock& clock, std::unique_ptr<Native> native)
    : timeouts_(timeouts), clock_(clock), native_(std::move(native)) {}

RecordClient::~RecordClient() = default;

const std::string& RecordClient::address() const {
  return native_->channel->to().address;
}

Result<std::unique_ptr<RecordClient>> RecordClient::make(RecordClientOptions options,
                                                         const Clock& clock,
                                                         Entropy& entropy) {
  const Timeouts timeouts{.call = options.call_timeout, .stream = options.stream_timeout};
  auto native = std::make_unique<Native>();
  TRY(native->channel,
      RecordChannel::make(std::move(options), {.asker = Asker::Command}, clock, entropy));
  return std::unique_ptr<RecordClient>(new RecordClient(timeouts, clock, std::move(native)));
}

Result<Record> RecordClient::get(const RecordKey& key) {
  Call call(*this, timeouts_.call);
  ::databroker::GetRequest request;
  request.set_type(key.type);
  request.set_id(key.id);
  ::databroker::GetResponse response;
  TRY_OK(call.outcome(native_->channel->stub().Get(&call.context, request, &response)));
  return read_record(std::move(*response.mutable_record()));
}

Result<void> RecordClient::read_each(std::string_view type, UniqueFunction<void(Record)> take) {
  Call call(*this, timeouts_.stream);
  ::databroker::SyncLatestRequest request;
  request.set_type(std::string(type));
  const auto stream = native_->channel->stub().SyncLatest(&call.context, request);
  ::databroker::SyncLatestResponse response;
  bool is_whole = false;
  while (stream->Read(&response)) {
    if (response.has_record()) {
      take(read_record(std::move(*response.mutable_record())));
    }
    is_whole = response.has_versions();
  }
  TRY_OK(call.outcome(stream->Finish()));
  return is_whole ? Result<void>()
                  : fail(ErrorKind::Unavailable,
                         "databroker " + address() + ": it ended before the last record");
}

Result<void> RecordClient::put(const Batch& batch) {
  Call call(*this, timeouts_.call);
  ::databroker::PutRequest request;
  for (const Write& write : batch) {
    DCHECK(!write.expected_version && write.fence == batch.front().fence);
    Record record{.type = write.type,
                  .id = write.id,
                  .value = write.value.value_or(Value()),
                  .version = 0,
                  .modified_at = {},
                  .deleted_at = std::nullopt};
    if (!write.value) {
      record.deleted_at = clock_.wall();
    }
    write_record(std::move(record), *request.add_records());
  }
  if (!batch.empty() && batch.front().fence) {
    call.context.AddMetadata("vallum-lease", batch.front().fence->lease);
    call.context.AddMetadata("vallum-lease-epoch", std::to_string(batch.front().fence->epoch));
  }
  ::databroker::PutResponse response;
  return call.outcome(native_->channel->stub().Put(&call.context, request, &response));
}

Result<Lease> RecordClient::acquire_lease(const std::string& name, Duration duration) {
  Call call(*this, timeouts_.call);
  ::databroker::AcquireLeaseRequest request;
  request.set_name(name);
  request.mutable_duration()->set_seconds(
      std::chrono::floor<std::chrono::seconds>(duration).count());
  ::databroker::AcquireLeaseResponse response;
  TRY_OK(call.outcome(native_->channel->stub().AcquireLease(&call.context, request, &response)));
  const auto& trailer = call.context.GetServerTrailingMetadata();
  const auto found = trailer.find("vallum-lease-epoch");
  const auto epoch = found == trailer.end()
                         ? std::nullopt
                         : parse_u64({found->second.data(), found->second.size()});
  if (!epoch) {
    return fail(ErrorKind::Unavailable,
                "databroker " + address() + ": it gives leases without an epoch");
  }
  return Lease{
      .name = name, .id = response.id(), .epoch = *epoch, .expires_at = clock_.wall() + duration};
}

Result<void> RecordClient::release_lease(const std::string& name, const std::string& id) {
  Call call(*this, timeouts_.call);
  ::databroker::ReleaseLeaseRequest request;
  request.set_name(name);
  request.set_id(id);
  google::protobuf::Empty response;
  return call.outcome(native_->channel->stub().ReleaseLease(&call.context, request, &response));
}

}  // namespace vallum::databroker
