#include "databroker/rpc/record_channel.h"

#include <array>
#include <chrono>
#include <utility>

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include "base/strings.h"
#include "codec/go_duration.h"
#include "databroker/rpc/caller.h"
#include "databroker/rpc/limits.h"

namespace vallum::databroker {
namespace {

struct Symptom {
  std::string_view text;  // in lower case, within gRPC's description of a failed connection
  std::string_view meaning;
  // The options of a command that cure it, and those of a configuration.
  std::string_view command_cure;
  std::string_view service_cure;
};

constexpr std::string_view kClosedCommandCure =
    ": with --insecure, because it speaks TLS; else because it asks for a client's certificate: "
    "--certificate-file and --key-file";
constexpr std::string_view kClosedServiceCure =
    ": for an http URL, because it speaks TLS; else because it takes no client without a "
    "certificate of its authorities: databroker_certificate_file and "
    "databroker_certificate_key_file";

// gRPC has one status for all of these, so its text must tell them apart. Where none fits, the text
// is shown as it is.
constexpr auto kSymptoms = std::to_array<Symptom>({
    {"connection refused",
     "nothing listens there: does the server run, and does its configuration have grpc_address?",
     " --address names another",
     " databroker_service_url names another"},
    {"wrong_version_number",
     "it does not speak TLS",
     ": --insecure, for a loopback address only",
     ": an http URL, for a loopback address only"},
    {"wrong version number",
     "it does not speak TLS",
     ": --insecure, for a loopback address only",
     ": an http URL, for a loopback address only"},
    {"certificate_verify_failed",
     "its certificate is not trusted",
     ": --ca-file names the authority that signed it",
     ": certificate_authority_file names the authority that signed it"},
    {"certificate verify failed",
     "its certificate is not trusted",
     ": --ca-file names the authority that signed it",
     ": certificate_authority_file names the authority that signed it"},
    {"hostname verification",
     "its certificate has another name",
     ": --server-name says which one it must have",
     ": override_certificate_name says which one it must have"},
    {"peer name",
     "its certificate has another name",
     ": --server-name says which one it must have",
     ": override_certificate_name says which one it must have"},
    {"handshake",
     "the TLS handshake failed",
     ": --ca-file names the authority of its certificate, --certificate-file and --key-file what "
     "it asks us for",
     ": certificate_authority_file names the authority of its certificate, "
     "databroker_certificate_file and databroker_certificate_key_file what it asks us for"},
    {"dns", "the name of the host is not known", "", ""},
    {"socket closed", "it closed the connection", kClosedCommandCure, kClosedServiceCure},
    {"connection reset", "it closed the connection", kClosedCommandCure, kClosedServiceCure},
});

std::string unavailable_text(std::string_view description, Asker asker) {
  const std::string lower = to_lower(description);
  for (const Symptom& symptom : kSymptoms) {
    if (lower.contains(symptom.text)) {
      std::string text(symptom.meaning);
      text.append(asker == Asker::Command ? symptom.command_cure : symptom.service_cure);
      return text;
    }
  }
  return "it cannot be reached: " + std::string(description);
}

std::string refused_token_text(Asker asker) {
  return std::string("it refuses our token: the shared secret of ") +
         (asker == Asker::Command ? "--config or --shared-secret-file" : "this configuration") +
         " is not the one it runs with, or the clocks differ by more than a minute";
}

std::string not_permitted_text(const RecordClientOptions& to, Asker asker) {
  return "it does not permit this to our certificate: it needs the name URI:vallum:service:" +
         to.service +
         (asker == Asker::Command ? " (--certificate-file)" : " (databroker_certificate_file)");
}

auto credentials_of(const RecordClientOptions& to) {
  if (to.clear_text) {
    return grpc::InsecureChannelCredentials();
  }
  return grpc::SslCredentials({.pem_root_certs = to.authorities_pem,
                               .pem_private_key = std::string(to.private_key_pem.expose_text()),
                               .pem_cert_chain = to.certificate_pem});
}

int milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Result<std::unique_ptr<RecordChannel>> RecordChannel::make(RecordClientOptions to,
                                                           Options options,
                                                           const Clock& clock,
                                                           Entropy& entropy) {
  if (to.clear_text && !is_loopback_address(to.address)) {
    return fail(
        ErrorKind::InvalidInput,
        to.address +
            " is not a loopback address, and records are not sent in clear text beyond the "
            "machine: " +
            (options.asker == Asker::Command ? "leave --insecure out" : "write an https URL"));
  }
  // What gRPC and protobuf would write to standard error is in the status as well.
  gpr_set_log_function([](gpr_log_func_args*) {});
  google::protobuf::SetLogHandler(nullptr);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax));
  // A proxy of the environment must not get to see records.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!to.server_name.empty()) {
    arguments.SetSslTargetNameOverride(to.server_name);
  }
  if (options.keepalive > Duration::zero()) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options.keepalive));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    // gRPC spreads these, so that nodes that lost one databroker do not come back as a herd.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, milliseconds(kReconnectFirst));
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds(kConnectTimeout));
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds(kReconnectMost));
  }
  std::unique_ptr<RecordChannel> made(
      new RecordChannel(std::move(to), options.asker, clock, entropy));
  made->channel_ =
      grpc::CreateCustomChannel(made->to_.address, credentials_of(made->to_), arguments);
  made->stub_ = ::databroker::DataBrokerService::NewStub(made->channel_);
  made->wire_stub_ = std::make_unique<grpc::GenericStub>(made->channel_);
  return made;
}

void RecordChannel::prepare_endless(grpc::ClientContext& context) {
  context.AddMetadata("jwt",
                      make_caller_token(to_.shared_secret, to_.service, clock_.wall(), entropy_));
}

void RecordChannel::prepare(grpc::ClientContext& context, Duration timeout) {
  prepare_endless(context);
  // NOLINTNEXTLINE(vallum-banned): gRPC's own clock
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

Result<void> RecordChannel::outcome(const grpc::Status& status, Duration timeout) const {
  const auto because = [this](ErrorKind kind, std::string text) {
    return fail(kind, "databroker " + to_.address + ": " + std::move(text));
  };
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return {};
    case grpc::StatusCode::UNAVAILABLE:
      return because(ErrorKind::Unavailable, unavailable_text(status.error_message(), asker_));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return because(ErrorKind::DeadlineExceeded,
                     "it did not answer within " + codec::go_duration(timeout));
    case grpc::StatusCode::UNAUTHENTICATED:
      return because(ErrorKind::Unauthenticated, refused_token_text(asker_));
    case grpc::StatusCode::PERMISSION_DENIED:
      return because(ErrorKind::PermissionDenied, not_permitted_text(to_, asker_));
    case grpc::StatusCode::UNIMPLEMENTED:
      return because(ErrorKind::Unavailable,
                     std::string("no databroker is served there: ") +
                         (asker_ == Asker::Command ? "--address" : "databroker_service_url") +
                         " names another listener");
    case grpc::StatusCode::NOT_FOUND:
      return because(ErrorKind::NotFound, status.error_message());
    case grpc::StatusCode::INVALID_ARGUMENT:
      return because(ErrorKind::InvalidInput, status.error_message());
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return because(ErrorKind::ResourceExhausted, status.error_message());
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::ALREADY_EXISTS:
      return because(ErrorKind::Conflict, status.error_message());
    default:
      return because(ErrorKind::Internal, status.error_message());
  }
}

}  // namespace vallum::databroker
