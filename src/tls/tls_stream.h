#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/readiness.h"
#include "async/snapshot.h"
#include "async/task.h"
#include "crypto/chain/client_authorities.h"
#include "net/stream.h"
#include "tls/client_context.h"
#include "tls/openssl_handles.h"
#include "tls/per_core.h"
#include "tls/server_context.h"

namespace vallum::tls {

// What a client said of itself in its handshake, also in one that failed.
struct Introduction {
  std::string server_name;  // that it asked for; "" without
  // The certificates it showed; null: none, or it was not asked. That it has the leaf's key is
  // proven once the handshake is over; who vouches for the leaf is another question.
  std::unique_ptr<crypto::PresentedChain> certificates;
};

// A TLS connection over another stream. Reads ask the inner stream only when it may have bytes;
// everything one call encrypts leaves in one call to the inner stream. While nothing is under way
// it holds no buffer: OpenSSL's go back when they are empty, and records that the peer does not
// take are the only bytes kept. A write is flushed by itself as far as the peer reads.
class TlsStream final : public net::Stream {
 public:
  ~TlsStream() override;

  net::IoResult try_read(ByteSpan into) override;
  net::IoResult try_write(ByteView from) override { return try_write(from, {}); }
  net::IoResult try_write(ByteView first, ByteView second) override;
  net::IoResult try_flush() override;
  Wait readable(Deadline deadline) override;
  Wait writable(Deadline deadline) override { return inner_->writable(deadline); }
  bool may_read() const override { return buffered_.is_set() || inner_->may_read(); }
  bool peer_has_left() const override { return peer_ended_ || inner_->peer_has_left(); }
  void shutdown_write() override;
  void close() override;
  bool is_closed() const override { return inner_->is_closed(); }
  net::SocketAddress peer_address() const override { return inner_->peer_address(); }
  net::SocketAddress local_address() const override { return inner_->local_address(); }
  async::Core& core() const override { return inner_->core(); }

  // What the handshake agreed on. Views live as long as the stream.
  std::string_view version() const;      // "TLSv1.3"
  std::string_view cipher() const;       // "TLS_AES_128_GCM_SHA256"
  std::string_view protocol() const;     // of ALPN; "" without
  std::string_view server_name() const;  // that a client asked for; "" without
  bool resumed() const;

  // For callbacks of this module.
  static TlsStream& of(ssl_st* ssl);
  // Keeps a server's session for the next connection; false when it may not be resumed.
  bool remember(ssl_session_st* session);
  PerCore& per_core() const { return per_core_; }
  // Keeps the certificates a client shows.
  const crypto::PresentedChain& keep_client_chain(crypto::PresentedChain chain);
  bool has_client_chain() const { return client_chain_ != nullptr; }
  // Says why a client is refused.
  void blame_client(crypto::ChainFault fault) { client_fault_ = fault; }

 private:
  friend Async<std::unique_ptr<TlsStream>> accept(std::unique_ptr<net::Stream> inner,
                                                  async::Snapshot<ServerContext> context,
                                                  PerCore* per_core,
                                                  Deadline deadline,
                                                  Introduction* introduction);
  friend Async<std::unique_ptr<TlsStream>> connect(std::unique_ptr<net::Stream> inner,
                                                   async::Snapshot<ClientContext> context,
                                                   std::string server_name,
                                                   PerCore* per_core,
                                                   Deadline deadline);
  struct Bio;  // how OpenSSL reaches the inner stream
  enum class Step : std::uint8_t { Done, NeedsInput, Failed };

  TlsStream(std::unique_ptr<net::Stream> inner, PerCore& per_core, Ssl<ssl_st> ssl);

  static Async<void> shake_hands(TlsStream* stream, Deadline deadline);
  Result<void> prepare_client(const ClientContext& context, const std::string& server_name);
  Step advance_handshake();
  Error handshake_error();
  Introduction take_introduction();
  // What a read of OpenSSL that returned `result` <= 0 means.
  net::IoResult outcome_of(int result);
  // Sends what the call encrypted; keeps what the peer does not take.
  net::IoResult send_outgoing();
  net::IoResult send_pending();
  net::IoResult give_up(int error);
  void keep(ByteView bytes);
  void say_goodbye();

  std::unique_ptr<net::Stream> inner_;
  PerCore& per_core_;
  Ssl<ssl_st> ssl_;
  Bytes pending_;
  std::size_t pending_sent_ = 0;
  // Set while OpenSSL holds bytes that a read may turn into plain ones without new input.
  async::Readiness buffered_;
  std::string session_key_;  // of a client whose session may be resumed
  std::unique_ptr<crypto::PresentedChain> client_chain_;  // until it is handed over
  crypto::ChainFault client_fault_ = crypto::ChainFault::None;
  int error_ = 0;  // errno of the first failure; nothing works after it
  bool established_ = false;
  bool inner_ended_ = false;
  bool peer_ended_ = false;
  bool write_ended_ = false;
  bool ends_when_sent_ = false;
};

// Takes the server's side of a handshake. Fails with InvalidInput and the reason when the peer does
// not speak acceptable TLS, DeadlineExceeded, or Unavailable when it goes away. The inner stream is
// closed then. `introduction` is filled either way; null: nobody wants to know.
Async<std::unique_ptr<TlsStream>> accept(std::unique_ptr<net::Stream> inner,
                                         async::Snapshot<ServerContext> context,
                                         PerCore* per_core,
                                         Deadline deadline,
                                         Introduction* introduction = nullptr);

// Takes the client's side. `server_name` is a host name or an IP literal: it is asked for (an IP
// literal is not, RFC 6066 3) and the certificate must be valid for it. Fails with Unavailable and
// the reason when the server cannot be trusted or does not speak acceptable TLS.
Async<std::unique_ptr<TlsStream>> connect(std::unique_ptr<net::Stream> inner,
                                          async::Snapshot<ClientContext> context,
                                          std::string server_name,
                                          PerCore* per_core,
                                          Deadline deadline);

}  // namespace vallum::tls
