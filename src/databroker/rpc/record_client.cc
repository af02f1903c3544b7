#include "databroker/rpc/record_client.h"

#include <array>
#include <chrono>
#include <utility>

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include "base/check.h"
#include "base/strings.h"
#include "codec/go_duration.h"
#include "databroker/messages.h"
#include "databroker/rpc/caller.h"
#include "databroker/rpc/limits.h"
#include "net/socket_address.h"
#include "proto/databroker.grpc.pb.h"

namespace vallum::databroker {
namespace {

struct Symptom {
  std::string_view text;  // in lower case, within gRPC's description of a failed connection
  std::string_view meaning;
};

// gRPC has one status for all of these, so its text must tell them apart. Where none fits, the text
// is shown as it is.
constexpr auto kSymptoms = std::to_array<Symptom>({
    {"connection refused",
     "nothing listens there: does the server run, and does its configuration have grpc_address? "
     "--address names another"},
    {"wrong_version_number", "it does not speak TLS: --insecure, for a loopback address only"},
    {"wrong version number", "it does not speak TLS: --insecure, for a loopback address only"},
    {"certificate_verify_failed",
     "its certificate is not trusted: --ca-file names the authority that signed it"},
    {"certificate verify failed",
     "its certificate is not trusted: --ca-file names the authority that signed it"},
    {"hostname verification",
     "its certificate has another name: --server-name says which one it must have"},
    {"peer name", "its certificate has another name: --server-name says which one it must have"},
    {"handshake",
     "the TLS handshake failed: --ca-file names the authority of its certificate, "
     "--certificate-file and --key-file what it asks us for"},
    {"dns", "the name of the host is not known"},
    {"socket closed",
     "it closed the connection: with --insecure, because it speaks TLS; else because it asks for a "
     "client's certificate: --certificate-file and --key-file"},
    {"connection reset",
     "it closed the connection: with --insecure, because it speaks TLS; else because it asks for a "
     "client's certificate: --certificate-file and --key-file"},
});

std::string unavailable_text(std::string_view description) {
  const std::string lower = to_lower(description);
  for (const Symptom& symptom : kSymptoms) {
    if (lower.contains(symptom.text)) {
      return std::string(symptom.meaning);
    }
  }
  return "it cannot be reached: " + std::string(description);
}

struct Meaning {
  ErrorKind kind;
  std::string text;
};

Meaning meaning_of(const grpc::Status& status, Duration timeout) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return {ErrorKind::Unavailable, unavailable_text(status.error_message())};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {ErrorKind::DeadlineExceeded,
              "it did not answer within " + codec::go_duration(timeout)};
    case grpc::StatusCode::UNAUTHENTICATED:
      return {ErrorKind::Unauthenticated,
              "it refuses our token: the shared secret of --config or --shared-secret-file is not "
              "the one it runs with, or the clocks differ by more than a minute"};
    case grpc::StatusCode::PERMISSION_DENIED:
      return {ErrorKind::PermissionDenied,
              "it does not permit this to our certificate: it needs the name "
              "URI:vallum:service:identity-manager (--certificate-file)"};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorKind::Unavailable,
              "no databroker is served there: --address names another listener"};
    case grpc::StatusCode::NOT_FOUND:
      return {ErrorKind::NotFound, status.error_message()};
    case grpc::StatusCode::INVALID_ARGUMENT:
      return {ErrorKind::InvalidInput, status.error_message()};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return {ErrorKind::ResourceExhausted, status.error_message()};
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::ALREADY_EXISTS:
      return {ErrorKind::Conflict, status.error_message()};
    default:
      return {ErrorKind::Internal, status.error_message()};
  }
}

auto credentials_of(const RecordClientOptions& options) {
  if (options.clear_text) {
    return grpc::InsecureChannelCredentials();
  }
  return grpc::SslCredentials(
      {.pem_root_certs = options.authorities_pem,
       .pem_private_key = std::string(options.private_key_pem.expose_text()),
       .pem_cert_chain = options.certificate_pem});
}

}  // namespace

bool is_loopback_address(std::string_view address) {
  const auto literal = net::SocketAddress::parse(address);
  return literal ? literal->ip.is_loopback()
                 : iequals(address.substr(0, address.rfind(':')), "localhost");
}

struct RecordClient::Native {
  std::unique_ptr<::databroker::DataBrokerService::Stub> stub;
};

// What one call needs beside its messages.
struct RecordClient::Call {
  Call(RecordClient& client, Duration timeout_of_call) : of(client), timeout(timeout_of_call) {
    context.AddMetadata("jwt",
                        make_caller_token(client.options_.shared_secret,
                                          client.options_.service,
                                          client.clock_.wall(),
                                          client.entropy_));
    // NOLINTNEXTLINE(vallum-banned): gRPC's own clock
    context.set_deadline(std::chrono::system_clock::now() + timeout);
  }
  Result<void> outcome(const grpc::Status& status) const {
    if (status.ok()) {
      return {};
    }
    const Meaning meaning = meaning_of(status, timeout);
    return fail(meaning.kind, "databroker " + of.options_.address + ": " + meaning.text);
  }

  RecordClient& of;
  Duration timeout;
  grpc::ClientContext context;
};

RecordClient::RecordClient(RecordClientOptions options, const Clock& clock, Entropy& entropy)
    : options_(std::move(options)),
      clock_(clock),
      entropy_(entropy),
      native_(std::make_unique<Native>()) {}

RecordClient::~RecordClient() = default;

Result<std::unique_ptr<RecordClient>> RecordClient::make(RecordClientOptions options,
                                                         const Clock& clock,
                                                         Entropy& entropy) {
  if (options.clear_text && !is_loopback_address(options.address)) {
    return fail(ErrorKind::InvalidInput,
                options.address +
                    " is not a loopback address, and records are not sent in clear text beyond the "
                    "machine: leave --insecure out");
  }
  // What gRPC would write to standard error is in the status as well.
  gpr_set_log_function([](gpr_log_func_args*) {});
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  // A proxy of the environment must not get to see records.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!options.server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.server_name);
  }
  std::unique_ptr<RecordClient> made(new RecordClient(std::move(options), clock, entropy));
  made->native_->stub = ::databroker::DataBrokerService::NewStub(
      grpc::CreateCustomChannel(made->options_.address, credentials_of(made->options_), arguments));
  return made;
}

Result<Record> RecordClient::get(const RecordKey& key) {
  Call call(*this, options_.call_timeout);
  ::databroker::GetRequest request;
  request.set_type(key.type);
  request.set_id(key.id);
  ::databroker::GetResponse response;
  TRY_OK(call.outcome(native_->stub->Get(&call.context, request, &response)));
  return read_record(std::move(*response.mutable_record()));
}

Result<void> RecordClient::read_each(std::string_view type, UniqueFunction<void(Record)> take) {
  Call call(*this, options_.stream_timeout);
  ::databroker::SyncLatestRequest request;
  request.set_type(std::string(type));
  const auto stream = native_->stub->SyncLatest(&call.context, request);
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
                         "databroker " + options_.address + ": it ended before the last record");
}

Result<void> RecordClient::put(const Batch& batch) {
  Call call(*this, options_.call_timeout);
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
  return call.outcome(native_->stub->Put(&call.context, request, &response));
}

Result<Lease> RecordClient::acquire_lease(const std::string& name, Duration duration) {
  Call call(*this, options_.call_timeout);
  ::databroker::AcquireLeaseRequest request;
  request.set_name(name);
  request.mutable_duration()->set_seconds(
      std::chrono::floor<std::chrono::seconds>(duration).count());
  ::databroker::AcquireLeaseResponse response;
  TRY_OK(call.outcome(native_->stub->AcquireLease(&call.context, request, &response)));
  const auto& trailer = call.context.GetServerTrailingMetadata();
  const auto found = trailer.find("vallum-lease-epoch");
  const auto epoch = found == trailer.end()
                         ? std::nullopt
                         : parse_u64({found->second.data(), found->second.size()});
  if (!epoch) {
    return fail(ErrorKind::Unavailable,
                "databroker " + options_.address + ": it gives leases without an epoch");
  }
  return Lease{
      .name = name, .id = response.id(), .epoch = *epoch, .expires_at = clock_.wall() + duration};
}

Result<void> RecordClient::release_lease(const std::string& name, const std::string& id) {
  Call call(*this, options_.call_timeout);
  ::databroker::ReleaseLeaseRequest request;
  request.set_name(name);
  request.set_id(id);
  google::protobuf::Empty response;
  return call.outcome(native_->stub->ReleaseLease(&call.context, request, &response));
}

}  // namespace vallum::databroker
