#include "tls/tls_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "async/core.h"
#include "base/check.h"
#include "base/ip_address.h"
#include "tls/limits.h"

namespace vallum::tls {

using net::IoResult;
using Status = IoResult::Status;

namespace {

// SSL_get_error() believes what it finds in the thread's queue, where other users of the library
// may have left something.
void forget_errors() {
  if (ERR_peek_error() != 0) {
    ERR_clear_error();
  }
}

}  // namespace

struct TlsStream::Bio {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    TlsStream& stream = stream_of(bio);
    BIO_clear_retry_flags(bio);
    const IoResult result = stream.inner_->try_read(std::as_writable_bytes(std::span(into, size)));
    switch (result.status) {
      case Status::Done:
        *count = result.bytes;
        return 1;
      case Status::WouldBlock:
        BIO_set_retry_read(bio);
        break;
      case Status::Eof:
        stream.inner_ended_ = true;
        break;
      case Status::Failed:
        stream.error_ = result.error;
        break;
    }
    return 0;
  }

  // Takes everything: what a call may produce is bounded by kWriteBytesMax and by OpenSSL's limits
  // on handshake messages.
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
    const ByteView bytes = as_bytes({from, size});
    Bytes& outgoing = stream_of(bio).per_core_.outgoing;
    outgoing.insert(outgoing.end(), bytes.begin(), bytes.end());
    *count = size;
    return 1;
  }

  static long control(BIO* bio, int command, long /*number*/, void* /*argument*/) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF:
        return stream_of(bio).inner_ended_ ? 1 : 0;
      default:
        return 0;
    }
  }

  static const BIO_METHOD* method() {
    // Lives as long as the process, as OpenSSL's own methods do.
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      CHECK(made != nullptr);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return kMethod;
  }
};

TlsStream::TlsStream(std::unique_ptr<net::Stream> inner, PerCore& per_core, Ssl<ssl_st> ssl)
    : inner_(std::move(inner)),
      per_core_(per_core),
      ssl_(std::move(ssl)),
      buffered_(inner_->core(), true) {
  BIO* bio = BIO_new(Bio::method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

TlsStream::~TlsStream() {
  close();
}

TlsStream& TlsStream::of(ssl_st* ssl) {
  return *static_cast<TlsStream*>(SSL_get_app_data(ssl));
}

bool TlsStream::remember(ssl_session_st* session) {
  if (session_key_.empty()) {
    return false;
  }
  per_core_.sessions.put(session_key_, Ssl<SSL_SESSION>(session));
  return true;
}

const crypto::PresentedChain& TlsStream::keep_client_chain(crypto::PresentedChain chain) {
  client_chain_ = std::make_unique<crypto::PresentedChain>(std::move(chain));
  return *client_chain_;
}

IoResult TlsStream::give_up(int error) {
  if (error_ == 0) {
    error_ = error;
  }
  return IoResult::failed(error_);
}

void TlsStream::keep(ByteView bytes) {
  if (pending_sent_ == pending_.size()) {
    pending_.clear();
    pending_sent_ = 0;
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

IoResult TlsStream::send_pending() {
  while (pending_sent_ < pending_.size()) {
    const IoResult result = inner_->try_write(ByteView(pending_).subspan(pending_sent_));
    if (result.status == Status::Failed) {
      return give_up(result.error);
    }
    if (!result.is_done()) {
      return result;
    }
    pending_sent_ += result.bytes;
  }
  if (pending_sent_ > 0) {
    pending_ = Bytes();  // gives the memory back
    pending_sent_ = 0;
    if (ends_when_sent_) {
      inner_->shutdown_write();
    }
  }
  return IoResult::done(0);
}

IoResult TlsStream::send_outgoing() {
  ByteView left = per_core_.outgoing;
  IoResult result = IoResult::done(0);
  if (!left.empty() && pending_.empty()) {
    while (!left.empty()) {
      result = inner_->try_write(left);
      if (!result.is_done()) {
        break;
      }
      left = left.subspan(result.bytes);
    }
  }
  if (!left.empty() && result.status != Status::Failed) {
    keep(left);
  }
  per_core_.outgoing.clear();
  if (result.status == Status::Failed) {
    return give_up(result.error);
  }
  if (pending_.size() - pending_sent_ > kPendingBytesMax) {
    return give_up(ENOBUFS);
  }
  return IoResult::done(0);
}

IoResult TlsStream::outcome_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      buffered_.clear();
      return IoResult::would_block();
    case SSL_ERROR_ZERO_RETURN:
      peer_ended_ = true;
      return IoResult::eof();
    default:
      break;
  }
  // A stream that ends without close_notify may have been cut by anybody: it is no Eof.
  return give_up(inner_ended_ ? ECONNRESET : EPROTO);
}

IoResult TlsStream::try_read(ByteSpan into) {
  if (error_ != 0) {
    return IoResult::failed(error_);
  }
  if (peer_ended_) {
    return IoResult::eof();
  }
  if (is_closed()) {
    return IoResult::failed(ENOTCONN);
  }
  if (!may_read()) {
    return IoResult::would_block();
  }
  if (into.empty()) {
    return IoResult::done(0);
  }
  forget_errors();
  std::size_t count = 0;
  const int got = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  if (got == 1) {
    // Without bytes of its own OpenSSL needs new input, and asking it once more would cost as much
    // as this did.
    if (SSL_has_pending(ssl_.get()) == 1) {
      buffered_.set();
    } else {
      buffered_.clear();
    }
  }
  const IoResult result = got == 1 ? IoResult::done(count) : outcome_of(got);
  // Alerts and answers to key updates. A failure to send them shows at the next attempt.
  send_outgoing();
  return result;
}

IoResult TlsStream::try_write(ByteView first, ByteView second) {
  if (error_ != 0) {
    return IoResult::failed(error_);
  }
  if (write_ended_ || is_closed()) {
    return IoResult::failed(EPIPE);
  }
  const IoResult pending = send_pending();
  if (!pending.is_done()) {
    return pending;
  }
  if (!second.empty() && first.size() + second.size() <= per_core_.joined.size()) {
    auto* const middle = std::ranges::copy(first, per_core_.joined.begin()).out;
    auto* const end = std::ranges::copy(second, middle).out;
    first = ByteView(per_core_.joined.begin(), end);
    second = {};
  }
  forget_errors();
  std::size_t total = 0;
  for (ByteView part : {first, second}) {
    part = part.first(std::min(part.size(), kWriteBytesMax - total));
    std::size_t count = 0;
    if (part.empty()) {
      continue;
    }
    const int put = SSL_write_ex(ssl_.get(), part.data(), part.size(), &count);
    if (put != 1) {
      per_core_.outgoing.clear();
      return give_up(EPROTO);
    }
    total += count;
  }
  const IoResult sent = send_outgoing();
  return sent.is_done() ? IoResult::done(total) : sent;
}

IoResult TlsStream::try_flush() {
  if (error_ != 0) {
    return IoResult::failed(error_);
  }
  const IoResult result = send_pending();
  return result.is_done() ? inner_->try_flush() : result;
}

net::Stream::Wait TlsStream::readable(Deadline deadline) {
  return buffered_.is_set() ? buffered_.wait(deadline) : inner_->readable(deadline);
}

// RFC 8446 6.1.
void TlsStream::say_goodbye() {
  if (!established_ || write_ended_ || error_ != 0 || is_closed()) {
    return;
  }
  write_ended_ = true;
  forget_errors();
  SSL_shutdown(ssl_.get());
  send_outgoing();
}

void TlsStream::shutdown_write() {
  say_goodbye();
  ends_when_sent_ = true;
  if (pending_.empty()) {
    inner_->shutdown_write();
  }
}

void TlsStream::close() {
  if (is_closed()) {
    return;
  }
  say_goodbye();
  // A session stays good although the peer has not said goodbye.
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  inner_->close();
  buffered_.close();
}

std::string_view TlsStream::version() const {
  return SSL_get_version(ssl_.get());
}

std::string_view TlsStream::cipher() const {
  return SSL_get_cipher_name(ssl_.get());
}

std::string_view TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

bool TlsStream::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

TlsStream::Step TlsStream::advance_handshake() {
  forget_errors();
  const int done = SSL_do_handshake(ssl_.get());
  Step step = Step::Done;
  if (done != 1) {
    step = SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ ? Step::NeedsInput : Step::Failed;
  }
  // Also the alert that tells the peer why it failed.
  send_outgoing();
  if (step == Step::NeedsInput && error_ != 0) {
    return Step::Failed;
  }
  return step;
}

Introduction TlsStream::take_introduction() {
  return {.server_name = std::string(server_name()), .certificates = std::move(client_chain_)};
}

Error TlsStream::handshake_error() {
  if (client_fault_ != crypto::ChainFault::None) {
    take_openssl_errors();
    return {
        ErrorKind::InvalidInput,
        "TLS handshake: the client's certificate: " + std::string(crypto::describe(client_fault_))};
  }
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) {
    const std::string reason = X509_verify_cert_error_string(verdict);
    take_openssl_errors();
    return {ErrorKind::Unavailable, "TLS handshake: the server's certificate: " + reason};
  }
  const std::string reason = take_openssl_errors();
  if (inner_ended_) {
    return {ErrorKind::Unavailable, "TLS handshake: the peer closed the connection"};
  }
  if (reason.empty()) {
    return net::error_of(IoResult::failed(error_ == 0 ? EPROTO : error_), "TLS handshake");
  }
  return {SSL_is_server(ssl_.get()) == 1 ? ErrorKind::InvalidInput : ErrorKind::Unavailable,
          "TLS handshake: " + reason};
}

Async<void> TlsStream::shake_hands(TlsStream* stream, Deadline deadline) {
  for (;;) {
    const Step step = stream->advance_handshake();
    if (step == Step::Failed) {
      Error error = stream->handshake_error();
      stream->inner_->shutdown_write();
      co_return fail(std::move(error));
    }
    CO_TRY_OK(co_await net::flush(stream, deadline));
    if (step == Step::Done) {
      stream->established_ = true;
      co_return {};
    }
    const async::Ready ready = co_await stream->inner_->readable(deadline);
    if (ready != async::Ready::Ready) {
      co_return fail(net::error_of(ready, "TLS handshake"));
    }
  }
}

Result<void> TlsStream::prepare_client(const ClientContext& context,
                                       const std::string& server_name) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(unix_seconds(core().clock().wall())));
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (const auto address = IpAddress::parse(server_name); address.has_value()) {
    const auto bytes = address->bytes();
    X509_VERIFY_PARAM_set1_ip(rules, as_uchar(bytes), bytes.size());
  } else if (X509_VERIFY_PARAM_set1_host(rules, server_name.data(), server_name.size()) != 1 ||
             SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str()) != 1) {
    take_openssl_errors();
    return fail(ErrorKind::InvalidInput, "TLS: '" + server_name + "' is not a server name");
  }
  session_key_ = context.session_key(server_name);
  if (const Ssl<SSL_SESSION> session = per_core_.sessions.take(session_key_)) {
    SSL_set_session(ssl_.get(), session.get());
  }
  return {};
}

Async<std::unique_ptr<TlsStream>> accept(std::unique_ptr<net::Stream> inner,
                                         async::Snapshot<ServerContext> context,
                                         PerCore* per_core,
                                         Deadline deadline,
                                         Introduction* introduction) {
  Ssl<SSL> ssl(SSL_new(context->native()));
  CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(inner), *per_core, std::move(ssl)));
  const Result<void> agreed = co_await TlsStream::shake_hands(stream.get(), deadline);
  if (introduction != nullptr) {
    *introduction = stream->take_introduction();
  }
  CO_TRY_OK(agreed);
  co_return stream;
}

Async<std::unique_ptr<TlsStream>> connect(std::unique_ptr<net::Stream> inner,
                                          async::Snapshot<ClientContext> context,
                                          std::string server_name,
                                          PerCore* per_core,
                                          Deadline deadline) {
  Ssl<SSL> ssl(SSL_new(context->native()));
  CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(inner), *per_core, std::move(ssl)));
  CO_TRY_OK(stream->prepare_client(*context, server_name));
  CO_TRY_OK(co_await TlsStream::shake_hands(stream.get(), deadline));
  co_return stream;
}

}  // namespace vallum::tls
