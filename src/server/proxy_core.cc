#include "server/proxy_core.h"

#include <utility>

#include "proxy/https_redirect.h"
#include "session/records.h"

namespace vallum::server {

namespace {

session::IdentityWishes wishes_of(const config::Settings& settings) {
  return {.tokens = settings.uses_session_tokens, .records = settings.policy_records};
}

}  // namespace

ProxyCore::ProxyCore(Parts parts)
    : parts_(std::move(parts)),
      entropy_(parts_.core.entropy()),
      tls_(parts_.ticket_seed, parts_.core.clock().wall()),
      records_(parts_.lane, *parts_.shared_key),
      identities_(parts_.core,
                  parts_.broker,
                  {.identities_max = parts_.generation->settings->limits.cached_sessions_max}),
      authorizer_({.core = parts_.core,
                   .entropy = entropy_,
                   .identities = identities_,
                   .shared_key = parts_.shared_key,
                   .signing_keys = parts_.signing_keys},
                  parts_.authorizer,
                  std::move(parts_.verify_bearer)),
      upstreams_({.core = parts_.core,
                  .network = parts_.network,
                  .resolver = parts_.resolver,
                  .tls = tls_},
                 {}),
      serverless_tokens_(parts_.core, std::move(parts_.fetch_serverless_token)),
      serving_({.core = parts_.core,
                .authorizer = authorizer_,
                .upstreams = upstreams_,
                .records = records_,
                .metrics = proxy::ProxyMetrics(parts_.metrics, parts_.core.index()),
                .own_endpoints = parts_.own_endpoints,
                .tls = tls_,
                .serverless_tokens = serverless_tokens_,
                .generation = parts_.generation}),
      changes_(parts_.broker.subscribe(
          parts_.core, [this](const databroker::FeedEvent& event) { note_change(event); })),
      accepting_(parts_.core),
      tasks_(parts_.core) {
  identities_.set_wishes(wishes_of(*parts_.generation->settings));
}

void ProxyCore::use(async::Snapshot<proxy::Generation> generation) {
  identities_.set_wishes(wishes_of(*generation->settings));
  authorizer_.use(generation->settings->shared_secret);
  serving_.use(std::move(generation));
}

Result<net::SocketAddress> ProxyCore::listen(net::SocketAddress address,
                                             net::ListenOptions options,
                                             proxy::Acceptor::Service service) {
  TRY(std::unique_ptr<net::Listener> listener, parts_.network.listen(address, options));
  acceptors_.push_back(std::make_unique<proxy::Acceptor>(serving_, std::move(listener), service));
  accepting_.spawn(acceptors_.back()->run());
  return acceptors_.back()->local_address();
}

Result<net::SocketAddress> ProxyCore::listen_for_redirects(net::SocketAddress address,
                                                           net::ListenOptions options,
                                                           std::uint16_t https_port) {
  TRY(std::unique_ptr<net::Listener> listener, parts_.network.listen(address, options));
  redirects_.push_back(std::make_unique<proxy::PlainServer>(
      parts_.core,
      std::move(listener),
      [https_port](const http::Request& request) {
        return proxy::redirect_to_https(request, https_port);
      },
      parts_.generation->limits));
  accepting_.spawn(redirects_.back()->run());
  return redirects_.back()->local_address();
}

Task<std::size_t> ProxyCore::drain(Deadline deadline) {
  serving_.begin_drain();
  for (const auto& acceptor : acceptors_) {
    acceptor->close();
  }
  for (const auto& redirect : redirects_) {
    redirect->close();
  }
  std::size_t cut = 0;
  for (const auto& acceptor : acceptors_) {
    cut += co_await acceptor->drain(deadline);
  }
  co_await accepting_.drain(deadline);
  co_return cut;
}

// A live stream ends when its session, its user or the configuration no longer allow it.
void ProxyCore::note_change(const databroker::FeedEvent& event) {
  if (event.kind == databroker::FeedEvent::Kind::Resync) {
    serving_.live_streams().check_all();
    return;
  }
  for (const databroker::Record& record : event.batch->records) {
    if (record.type == session::kSessionType || record.type == session::kServiceAccountType) {
      serving_.live_streams().check_session(policy::session_tag(record.id));
    } else {
      serving_.live_streams().check_all();
    }
  }
}

}  // namespace vallum::server
