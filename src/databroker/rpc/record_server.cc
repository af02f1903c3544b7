#include "databroker/rpc/record_server.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "async/call_gate.h"
#include "base/check.h"
#include "base/strings.h"
#include "databroker/rpc/methods.h"
#include "databroker/rpc/streams.h"
#include "http/status_of.h"
#include "proto/databroker.grpc.pb.h"

namespace vallum::databroker {
namespace {

// Conflict as a method of leases means it: somebody else has it already.
enum class Conflict : std::uint8_t { Aborted, AlreadyExists };

std::optional<std::string> metadata(const grpc::CallbackServerContext& context, const char* name) {
  const auto [first, last] = context.client_metadata().equal_range(name);
  // Twice is no token at all: nobody may choose which of them counts.
  if (first == last || std::next(first) != last) {
    return std::nullopt;
  }
  return std::string(first->second.data(), first->second.size());
}

grpc::Status status_of_error(const Error& error, Conflict conflict) {
  if (error.kind() == ErrorKind::Conflict && conflict == Conflict::AlreadyExists) {
    return {grpc::StatusCode::ALREADY_EXISTS, std::string(error.message())};
  }
  if (error.kind() == ErrorKind::Internal) {
    return {grpc::StatusCode::INTERNAL, "the databroker failed; its log and status say why"};
  }
  return {static_cast<grpc::StatusCode>(http::status_of(error.kind()).grpc),
          std::string(error.message())};
}

CallFacts read_facts(const grpc::CallbackServerContext& context) {
  CallFacts facts;
  facts.token = metadata(context, "jwt");
  facts.lease = metadata(context, "vallum-lease");
  facts.lease_epoch = metadata(context, "vallum-lease-epoch");
  facts.expected_versions = metadata(context, "vallum-expected-versions");
  facts.after_version = metadata(context, "vallum-after-version");
  facts.without_values = metadata(context, "vallum-without-values").has_value();
  if (const auto auth = context.auth_context(); auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const grpc::string_ref& name : auth->FindPropertyValues(GRPC_X509_SAN_PROPERTY_NAME)) {
      facts.certificate_names.emplace_back(name.data(), name.size());
    }
  }
  const auto now = std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
  const auto left = context.deadline() - now;
  facts.time_left = std::clamp<Duration>(
      left > kCallTimeout ? kCallTimeout : std::chrono::duration_cast<Duration>(left),
      Duration::zero(),
      kCallTimeout);
  return facts;
}

// Read here and not by gRPC, which answers UNIMPLEMENTED to what it cannot read.
template <class Message>
bool read_message(const grpc::ByteBuffer& from, Message& message) {
  grpc::ByteBuffer bytes(from);  // shares them
  return grpc::SerializationTraits<Message>::Deserialize(&bytes, &message).ok();
}

template <class Message>
grpc::Status write_message(const Message& message, grpc::ByteBuffer& to) {
  to.Clear();
  bool is_owner = false;
  return grpc::SerializationTraits<Message>::Serialize(message, &to, &is_owner);
}

// A call of a method that answers once. gRPC deletes it when the answer is out.
template <class Request, class Response>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(grpc::CallbackServerContext* call_context, grpc::ByteBuffer* to)
      : context(call_context), answer(to), facts(read_facts(*call_context)) {}

  grpc::CallbackServerContext* context;
  grpc::ByteBuffer* answer;
  CallFacts facts;
  Request request;
  bool is_readable = false;
  Response response;
  std::optional<async::CallGate::Pass> pass;

 private:
  void OnDone() override { delete this; }
};

// A call of a method that answers with a stream. gRPC deletes it when the stream has ended.
template <class Request, class Response>
class StreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                         public Stream<Response> {
 public:
  StreamCall(grpc::CallbackServerContext* call_context, Desk* at)
      : context(call_context), facts(read_facts(*call_context)), desk(at) {}

  grpc::CallbackServerContext* context;
  CallFacts facts;
  Desk* desk;
  Request request;
  bool is_readable = false;
  std::optional<async::CallGate::Pass> pass;
  std::optional<async::CallGate::Pass> follower_pass;
  grpc::ByteBuffer bytes;  // of the message that is being written

  std::uint64_t number() const { return pass->number(); }
  void send_head() override { StartSendInitialMetadata(); }
  void start_write(const Response& message) override {
    const grpc::Status written = write_message(message, bytes);
    CHECK(written.ok());  // our own message, in memory
    StartWrite(&bytes);
  }
  void cut_off() override { context->TryCancel(); }

 private:
  void OnWriteDone(bool is_sent) override {
    desk->core().post([to = desk, n = number(), is_sent] { to->wrote(n, is_sent); });
  }
  void OnCancel() override {
    if (pass) {  // else it was refused at once
      desk->core().post([to = desk, n = number()] { to->cancelled(n); });
    }
  }
  void OnDone() override { delete this; }
};

// A call on its way to an end: whoever drops it without one has said that nobody could.
template <class Call>
class OpenCall {
 public:
  explicit OpenCall(Call* call) : call_(call) {}
  OpenCall(OpenCall&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  OpenCall& operator=(OpenCall&&) = delete;
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  ~OpenCall() {
    if (call_ != nullptr) {
      finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the process stops"));
    }
  }

  Call* operator->() const { return call_; }
  Call* get() const { return call_; }
  // The call is gone after it.
  void finish(const grpc::Status& status) { std::exchange(call_, nullptr)->Finish(status); }

 private:
  Call* call_;
};

template <class Request, class Response>
using Method = Async<void> (*)(Work<Request, Response>);

struct Need {
  Role role = Role::Reader;
  Conflict conflict = Conflict::Aborted;
};

Unexpected unreadable() {
  return fail(ErrorKind::InvalidInput, "the request is not the method's message");
}

template <class Request, class Response>
Async<void> do_work(Desk* desk,
                    UnaryCall<Request, Response>* call,
                    Method<Request, Response> method,
                    Need need) {
  CO_TRY(const Role role, desk->admit(call->facts));
  if (role < need.role) {
    co_return fail(ErrorKind::PermissionDenied, "the caller's role does not allow this");
  }
  if (!call->is_readable) {
    co_return unreadable();
  }
  const Work<Request, Response> work{.desk = desk,
                                     .facts = &call->facts,
                                     .role = role,
                                     .request = &call->request,
                                     .response = &call->response,
                                     .deadline = desk->core().deadline_in(call->facts.time_left)};
  co_return co_await method(work);
}

template <class Request, class Response>
Task<void> answer(Desk* desk,
                  OpenCall<UnaryCall<Request, Response>> call,
                  Method<Request, Response> method,
                  Need need) {
  const Result<void> done = co_await do_work(desk, call.get(), method, need);
  if (call->facts.epoch_of_lease) {
    call->context->AddTrailingMetadata("vallum-lease-epoch",
                                       std::to_string(*call->facts.epoch_of_lease));
  }
  call.finish(done ? write_message(call->response, *call->answer)
                   : status_of_error(done.error(), need.conflict));
}

template <class Request, class Response>
using StreamMethod = Async<void> (*)(Desk*, Outlet*, Stream<Response>*, const Request*);

template <class Request, class Response>
Task<void> answer_with_stream(Desk* desk,
                              OpenCall<StreamCall<Request, Response>> call,
                              StreamMethod<Request, Response> method) {
  Outlet outlet(desk->core());
  outlet.after_version = parse_u64(call->facts.after_version.value_or("0")).value_or(0);
  outlet.without_values = call->facts.without_values;
  const Desk::Listed listed(*desk, call->number(), outlet);
  // The caller may have gone before there was anybody to tell.
  outlet.is_gone = call->context->IsCancelled();
  const Result<Role> role = desk->admit(call->facts);  // whatever it is: every role reads
  Result<void> done;
  if (!role) {
    done = fail(role.error());
  } else if (!call->is_readable) {
    done = unreadable();
  } else {
    done = co_await method(desk, &outlet, call.get(), &call->request);
  }
  call.finish(done ? grpc::Status::OK : status_of_error(done.error(), Conflict::Aborted));
}

int milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

grpc::Status too_many() {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls are under way"};
}

auto credentials_of(const RecordServerOptions& options) {
  if (options.certificate_pem.empty()) {
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions tls(
      options.client_ca_pem.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = options.client_ca_pem;
  tls.pem_key_cert_pairs.push_back(
      {.private_key = std::string(options.private_key_pem.expose_text()),
       .cert_chain = options.certificate_pem});
  return grpc::SslServerCredentials(tls);
}

// The service, of which each method is given the bytes of its request.
using RecordMethods = ::databroker::DataBrokerService;
using WithReads =
    RecordMethods::WithRawCallbackMethod_GetOptions<RecordMethods::WithRawCallbackMethod_ServerInfo<
        RecordMethods::WithRawCallbackMethod_Query<RecordMethods::WithRawCallbackMethod_ListTypes<
            RecordMethods::WithRawCallbackMethod_Get<RecordMethods::Service>>>>>;
using WithWrites = RecordMethods::WithRawCallbackMethod_ReleaseLease<
    RecordMethods::WithRawCallbackMethod_RenewLease<
        RecordMethods::WithRawCallbackMethod_AcquireLease<RecordMethods::WithRawCallbackMethod_Put<
            RecordMethods::WithRawCallbackMethod_Patch<WithReads>>>>>;
using WithAll = RecordMethods::WithRawCallbackMethod_SyncLatest<
    RecordMethods::WithRawCallbackMethod_Sync<RecordMethods::WithRawCallbackMethod_Clear<
        RecordMethods::WithRawCallbackMethod_SetOptions<WithWrites>>>>;

}  // namespace

// On gRPC's threads.
class RecordServer::Service final : public WithAll {
 public:
  Service(Desk& desk, const RecordServerOptions& options)
      : desk_(desk), gate_(options.calls_max), followers_(options.followers_max) {}

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Reactor = grpc::ServerUnaryReactor;
  using Writer = grpc::ServerWriteReactor<grpc::ByteBuffer>;

  static constexpr Need kRead{.role = Role::Reader, .conflict = Conflict::Aborted};
  static constexpr Need kLease{.role = Role::Writer, .conflict = Conflict::AlreadyExists};
  static constexpr Need kAdminister{.role = Role::Admin, .conflict = Conflict::Aborted};

  static bool enter(async::CallGate& gate, std::optional<async::CallGate::Pass>& slot) {
    std::optional<async::CallGate::Pass> pass = gate.try_enter();
    if (pass) {
      slot.emplace(*std::move(pass));
    }
    return slot.has_value();
  }

  template <class Request, class Response>
  Reactor* serve(Context* context,
                 const Bytes* request,
                 Bytes* response,
                 Method<Request, Response> method,
                 Need need) {
    auto* const call = new UnaryCall<Request, Response>(context, response);
    if (!enter(gate_, call->pass)) {
      call->Finish(too_many());
      return call;
    }
    call->is_readable = read_message(*request, call->request);
    desk_.core().post([desk = &desk_, open = OpenCall(call), method, need]() mutable {
      desk->calls().spawn(answer<Request, Response>(desk, std::move(open), method, need));
    });
    return call;
  }

  template <class Request, class Response>
  Writer* stream(Context* context, const Bytes* request, StreamMethod<Request, Response> method) {
    auto* const call = new StreamCall<Request, Response>(context, &desk_);
    if (!enter(followers_, call->follower_pass) || !enter(gate_, call->pass)) {
      call->Finish(too_many());
      return call;
    }
    call->is_readable = read_message(*request, call->request);
    desk_.core().post([desk = &desk_, open = OpenCall(call), method]() mutable {
      desk->calls().spawn(answer_with_stream<Request, Response>(desk, std::move(open), method));
    });
    return call;
  }

  Reactor* Get(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, get, kRead);
  }
  Reactor* ListTypes(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, list_types, kRead);
  }
  Reactor* Query(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, query, kRead);
  }
  Reactor* ServerInfo(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, server_info, kRead);
  }
  Reactor* GetOptions(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, get_options, kRead);
  }
  // A Reader may note when a session was used, and end one: the methods themselves look.
  Reactor* Patch(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, patch, kRead);
  }
  Reactor* Put(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, put, kRead);
  }
  Reactor* AcquireLease(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, acquire_lease, kLease);
  }
  Reactor* RenewLease(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, renew_lease, kLease);
  }
  Reactor* ReleaseLease(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, release_lease, kLease);
  }
  Reactor* SetOptions(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, set_options, kAdminister);
  }
  Reactor* Clear(Context* context, const Bytes* request, Bytes* response) override {
    return serve(context, request, response, clear, kAdminister);
  }
  Writer* Sync(Context* context, const Bytes* request) override {
    return stream(context, request, sync);
  }
  Writer* SyncLatest(Context* context, const Bytes* request) override {
    return stream(context, request, sync_latest);
  }

  Desk& desk_;
  async::CallGate gate_;
  async::CallGate followers_;
};

struct RecordServer::Native {
  Native(Desk& desk_of_calls, const RecordServerOptions& options)
      : desk(desk_of_calls), service(desk_of_calls, options) {}

  Desk& desk;
  Service service;
  std::unique_ptr<grpc::Server> server;
};

RecordServer::RecordServer(std::unique_ptr<Native> native) : native_(std::move(native)) {}

RecordServer::~RecordServer() = default;

Result<std::unique_ptr<RecordServer>> RecordServer::start(const RecordServerOptions& options,
                                                          Desk& desk) {
  if (options.certificate_pem.empty() && !options.address.ip.is_loopback()) {
    return fail(ErrorKind::InvalidInput,
                "cannot serve records in clear text on " + options.address.text() +
                    ", which is not a loopback address");
  }
  std::unique_ptr<RecordServer> made(new RecordServer(std::make_unique<Native>(desk, options)));
  grpc::ResourceQuota quota("databroker");
  quota.Resize(kRpcBytesMax).SetMaxThreads(kRpcThreadsMax);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota)
      .SetMaxReceiveMessageSize(static_cast<int>(kMessageBytesMax))
      .AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                          static_cast<int>(kStreamsPerConnectionMax))
      .AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(kMetadataBytesMax))
      .AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0)
      .AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                          milliseconds(kKeepaliveLeast))
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1)
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(kFollowerKeepalive))
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(kFollowerKeepalive))
      // A small compressed message may be a huge one, and its size is looked at before.
      .SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false)
      .SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false)
      .AddListeningPort(options.address.text(), credentials_of(options), &port)
      .RegisterService(&made->native_->service);
  // The switch is the process's; other servers of it are built without.
  grpc::EnableDefaultHealthCheckService(true);
  made->native_->server = builder.BuildAndStart();
  grpc::EnableDefaultHealthCheckService(false);
  if (made->native_->server == nullptr || port == 0) {
    return fail(ErrorKind::Unavailable,
                "cannot listen on " + options.address.text() +
                    ": the port is taken, or the certificate cannot be used");
  }
  if (auto* const health = made->native_->server->GetHealthCheckService(); health != nullptr) {
    health->SetServingStatus("databroker.DataBrokerService", true);
  }
  made->port_ = static_cast<std::uint16_t>(port);
  return made;
}

void RecordServer::stop() {
  Desk* const desk = &native_->desk;
  desk->core().post([desk] { desk->stop(); });
  const auto now = std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
  native_->server->Shutdown(
      now + std::chrono::duration_cast<std::chrono::system_clock::duration>(kRpcStopGrace));
}

}  // namespace vallum::databroker
