#include "tls/server_context.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "async/core.h"
#include "base/check.h"
#include "tls/limits.h"
#include "tls/tls_stream.h"

namespace vallum::tls {

namespace {

// Forward secrecy and authenticated encryption only (configuration specification 4.1). ECDSA first:
// signing costs a tenth of RSA.
constexpr const char* kSuites12 =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
// The same for every context that asks for no client certificate, so that a ticket outlives a
// reload. Others are told apart by whom they ask for.
constexpr std::string_view kSessionContext = "vallum";
// Names of authorities that are sent to clients; with more, none is, which asks for any (RFC 8446
// 4.2.4).
constexpr std::size_t kAuthorityNameBytesMax = 32 * 1024;
constexpr std::size_t kTicketIvBytes = 16;
constexpr long kTicketLifetimeSeconds =
    std::chrono::floor<std::chrono::seconds>(kTicketPeriod).count();

using Choice = CertificateStore::Choice;

struct ChoiceOrder {
  bool operator()(const Choice& a, const Choice& b) const {
    return std::pair(a.ecdsa, a.rsa) < std::pair(b.ecdsa, b.rsa);
  }
};

// What the ticket callback tells OpenSSL to do.
enum TicketAnswer : std::int8_t {
  FailHandshake = -1,
  IgnoreTicket = 0,
  UseTicket = 1,
  RenewTicket = 2
};

bool init_mac(EVP_MAC_CTX* mac, const Secret& key) {
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 3> params = {
      OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY,
          // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is only read
          const_cast<std::byte*>(key.expose().data()),
          key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params.data()) == 1;
}

struct TicketParts {
  std::span<unsigned char, 16> name;
  std::span<unsigned char, kTicketIvBytes> iv;
  EVP_CIPHER_CTX* cipher;
  EVP_MAC_CTX* mac;
};

int seal_ticket(const TlsStream& stream, const TicketParts& ticket) {
  if (stream.has_client_chain()) {
    return IgnoreTicket;  // an empty one: TLS 1.2 has promised one by now
  }
  const async::Core& core = stream.core();
  const TicketKeys::Key& key = stream.per_core().ticket_keys.newest(core.clock().wall());
  std::memcpy(ticket.name.data(), key.name.data(), key.name.size());
  core.entropy().fill(std::as_writable_bytes(ticket.iv));
  const bool ready = EVP_EncryptInit_ex(ticket.cipher,
                                        EVP_aes_256_cbc(),
                                        nullptr,
                                        as_uchar(key.encrypt.expose()),
                                        ticket.iv.data()) == 1 &&
                     init_mac(ticket.mac, key.authenticate);
  return ready ? UseTicket : FailHandshake;
}

int open_ticket(const TlsStream& stream, const TicketParts& ticket, bool single_use) {
  TicketKeys& keys = stream.per_core().ticket_keys;
  const WallTime now = stream.core().clock().wall();
  const TicketKeys::Key* key = keys.find(std::as_bytes(ticket.name), now);
  if (key == nullptr) {
    return IgnoreTicket;
  }
  const bool ready = EVP_DecryptInit_ex(ticket.cipher,
                                        EVP_aes_256_cbc(),
                                        nullptr,
                                        as_uchar(key->encrypt.expose()),
                                        ticket.iv.data()) == 1 &&
                     init_mac(ticket.mac, key->authenticate);
  if (!ready) {
    return FailHandshake;
  }
  // A TLS 1.3 ticket is used once (RFC 8446 C.4), so its client needs another.
  return !single_use && key == &keys.newest(now) ? UseTicket : RenewTicket;
}

// RFC 5077 4: AES-256-CBC, then HMAC-SHA-256 over it.
// NOLINTNEXTLINE(readability-function-size): the shape is the library's
int on_ticket(SSL* ssl,
              unsigned char* name,
              unsigned char* iv,
              EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac,
              int sealing) {
  const TicketParts ticket{.name = std::span<unsigned char, 16>(name, 16),
                           .iv = std::span<unsigned char, kTicketIvBytes>(iv, kTicketIvBytes),
                           .cipher = cipher,
                           .mac = mac};
  const TlsStream& stream = TlsStream::of(ssl);
  return sealing != 0 ? seal_ticket(stream, ticket)
                      : open_ticket(stream, ticket, SSL_version(ssl) >= TLS1_3_VERSION);
}

Error context_error(const char* doing) {
  return {ErrorKind::Internal, std::string(doing).append(": ").append(take_openssl_errors())};
}

Result<void> use_certificate(SSL_CTX* context, const CertificateStore::Certificate& certificate) {
  X509* leaf = certificate.chain.front().get();
  if (SSL_CTX_use_certificate(context, leaf) != 1 ||
      SSL_CTX_use_PrivateKey(context, certificate.key.get()) != 1) {
    // The security level of the library refuses short keys and old signatures.
    return fail(ErrorKind::InvalidInput, certificate.name + ": " + take_openssl_errors());
  }
  for (std::size_t i = 1; i < certificate.chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, certificate.chain[i].get()) != 1) {
      return fail(ErrorKind::InvalidInput, certificate.name + ": " + take_openssl_errors());
    }
  }
  return {};
}

int x509_error_of(crypto::ChainFault fault) {
  using enum crypto::ChainFault;
  switch (fault) {
    case None:
      return X509_V_OK;
    case Expired:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case NotYetValid:
      return X509_V_ERR_CERT_NOT_YET_VALID;
    case WrongUse:
      return X509_V_ERR_INVALID_PURPOSE;
    case TooDeep:
      return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    case WeakKey:
      return X509_V_ERR_EE_KEY_TOO_SMALL;
    case Revoked:
      return X509_V_ERR_CERT_REVOKED;
    case NameConstraints:
    case NameNotAccepted:
    case Malformed:
      return X509_V_ERR_CERT_REJECTED;
    case NotTrusted:
    case ListStale:
    case ListNotVerified:
      break;
  }
  return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

// Takes the place of OpenSSL's own verification: notes what the client shows and, where it must be
// vouched for, asks the authorities.
int on_client_certificate(X509_STORE_CTX* context, void* clients_of_context) {
  const auto& clients = *static_cast<const ClientCertificates*>(clients_of_context);
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsStream& stream = TlsStream::of(ssl);
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(context);
  const int count = sk_X509_num(sent);  // negative for none
  std::vector<X509*> chain;
  chain.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) {
    chain.push_back(sk_X509_value(sent, i));
  }
  if (chain.empty()) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
  SSL_set_num_tickets(ssl, 0);
  const crypto::PresentedChain& shown = stream.keep_client_chain(crypto::PresentedChain(chain));
  crypto::ChainFault fault = crypto::ChainFault::None;
  if (clients.required) {
    fault = clients.authorities->verify(shown, stream.core().clock().wall()).fault;
    stream.blame_client(fault);
  }
  X509_STORE_CTX_set_error(context, x509_error_of(fault));
  return fault == crypto::ChainFault::None ? 1 : 0;
}

// The subjects of the authorities, for the client to choose a certificate by.
void advertise(SSL_CTX* context, const crypto::ClientAuthorities& authorities) {
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  CHECK(names != nullptr);
  std::size_t bytes = 0;
  for (const auto& certificate : authorities.certificates()) {
    const X509_NAME* subject = X509_get_subject_name(certificate.get());
    bytes += static_cast<std::size_t>(std::max(i2d_X509_NAME(subject, nullptr), 0));
    if (bytes > kAuthorityNameBytesMax) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      names = sk_X509_NAME_new_null();
      break;
    }
    CHECK(sk_X509_NAME_push(names, X509_NAME_dup(subject)) > 0);
  }
  SSL_CTX_set_client_CA_list(context, names);
}

}  // namespace

struct ServerContext::Native {
  static int on_server_name(SSL* ssl, int* alert, void* native);
  static int on_protocols(SSL* ssl,
                          const unsigned char** chosen,
                          unsigned char* chosen_bytes,
                          const unsigned char* offered,
                          unsigned int offered_bytes,
                          void* native);
  Result<Ssl<SSL_CTX>> make_context(const Choice& choice);
  // Which sessions may resume.
  Result<void> set_session_context(SSL_CTX* ctx) const;
  void ask_clients(SSL_CTX* ctx);

  async::Snapshot<CertificateStore> certificates;
  ClientCertificates clients;
  std::string protocols;  // as ALPN spells a list: length, name, length, name
  std::map<Choice, Ssl<SSL_CTX>, ChoiceOrder> contexts;
};

// Called for every ClientHello, also for one without a name.
int ServerContext::Native::on_server_name(SSL* ssl, int* /*alert*/, void* native) {
  const auto& self = *static_cast<const Native*>(native);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto found = self.contexts.find(self.certificates->choose(name == nullptr ? "" : name));
  if (found == self.contexts.end()) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  SSL_set_SSL_CTX(ssl, found->second.get());
  return name == nullptr ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

// NOLINTNEXTLINE(readability-function-size): the shape is the library's
int ServerContext::Native::on_protocols(SSL* /*ssl*/,
                                        const unsigned char** chosen,
                                        unsigned char* chosen_bytes,
                                        const unsigned char* offered,
                                        unsigned int offered_bytes,
                                        void* native) {
  const auto& self = *static_cast<const Native*>(native);
  unsigned char* name = nullptr;
  const int found = SSL_select_next_proto(&name,
                                          chosen_bytes,
                                          as_uchar(as_bytes(self.protocols)),
                                          static_cast<unsigned int>(self.protocols.size()),
                                          offered,
                                          offered_bytes);
  if (found != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = name;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> ServerContext::Native::set_session_context(SSL_CTX* ctx) const {
  const ByteView context = clients.authorities == nullptr
                               ? as_bytes(kSessionContext)
                               : ByteView(clients.authorities->certificates_digest());
  static_assert(std::tuple_size_v<crypto::Digest256> <= SSL_MAX_SID_CTX_LENGTH);
  if (SSL_CTX_set_session_id_context(
          ctx, as_uchar(context), static_cast<unsigned int>(context.size())) != 1) {
    return fail(context_error("TLS settings"));
  }
  return {};
}

void ServerContext::Native::ask_clients(SSL_CTX* ctx) {
  if (clients.authorities == nullptr) {
    return;
  }
  advertise(ctx, *clients.authorities);
  SSL_CTX_set_cert_verify_callback(ctx, on_client_certificate, &clients);
  SSL_CTX_set_verify(
      ctx,
      clients.required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER,
      nullptr);
  if (clients.required) {
    // Whoever must show a certificate has no session without one.
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
  }
}

Result<Ssl<SSL_CTX>> ServerContext::Native::make_context(const Choice& choice) {
  Ssl<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  CHECK(context != nullptr);
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                          SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(ctx, kTicketLifetimeSeconds);
  const bool set = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(ctx, kSuites12) == 1 &&
                   SSL_CTX_set_ciphersuites(ctx, kSuites13) == 1 &&
                   SSL_CTX_set1_groups_list(ctx, kGroups) == 1 &&
                   SSL_CTX_set1_sigalgs_list(ctx, kSignatures) == 1 &&
                   SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
                   SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
                   SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1;
  if (!set) {
    return fail(context_error("TLS settings"));
  }
  TRY_OK(set_session_context(ctx));
  ask_clients(ctx);
  SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(ctx, this);
  if (!protocols.empty()) {
    SSL_CTX_set_alpn_select_cb(ctx, on_protocols, this);
  }
  for (const auto& index : {choice.ecdsa, choice.rsa}) {
    if (index) {
      TRY_OK(use_certificate(ctx, certificates->certificates()[*index]));
    }
  }
  return context;
}

Result<async::Snapshot<ServerContext>> ServerContext::make(
    async::Snapshot<CertificateStore> certificates,
    const std::vector<std::string>& protocols,
    ClientCertificates clients) {
  CHECK(!clients.required || clients.authorities != nullptr);
  auto native = std::make_unique<Native>();
  native->certificates = std::move(certificates);
  native->clients = std::move(clients);
  for (const std::string& protocol : protocols) {
    CHECK(!protocol.empty() && protocol.size() < 256);
    native->protocols.push_back(static_cast<char>(protocol.size()));
    native->protocols += protocol;
  }
  for (const Choice& choice : native->certificates->choices()) {
    TRY(Ssl<SSL_CTX> context, native->make_context(choice));
    native->contexts.emplace(choice, std::move(context));
  }
  return async::make_snapshot<ServerContext>(ServerContext(std::move(native)));
}

ServerContext::ServerContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}
ServerContext::ServerContext(ServerContext&&) noexcept = default;
ServerContext::~ServerContext() = default;

const CertificateStore& ServerContext::certificates() const {
  return *native_->certificates;
}

const ClientCertificates& ServerContext::clients() const {
  return native_->clients;
}

ssl_ctx_st* ServerContext::native() const {
  return native_->contexts.find(native_->certificates->choose(""))->second.get();
}

}  // namespace vallum::tls
