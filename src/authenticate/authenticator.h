#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/core.h"
#include "async/snapshot.h"
#include "async/task.h"
#include "authenticate/login_state.h"
#include "authenticate/replay_guard.h"
#include "authenticate/signed_url.h"
#include "authenticate/visit.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "codec/cookie.h"
#include "crypto/aead.h"
#include "databroker/databroker.h"
#include "http/message.h"
#include "http/syntax/uri.h"
#include "identity/provider.h"
#include "route/route_table.h"
#include "session/handle.h"
#include "session/provider_sessions.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace vallum::authenticate {

// What the configuration says about signing in. Values; a reload makes new ones.
struct AuthenticatorSettings {
  // Where people sign in; nothing: nobody can, and `missing_options` says what to set.
  std::optional<http::Uri> service_url;
  std::vector<std::string> missing_options;
  // Whether this process answers for that host; else another one does.
  bool signs_in = true;
  std::optional<http::Uri> signout_redirect_url;
  std::vector<std::string> programmatic_hosts{"localhost"};
  bool allow_any_sign_out_redirect = false;
  std::string cookie_name = "_pomerium";
  std::string cookie_domain;
  bool cookie_http_only = true;
  codec::SameSite cookie_same_site = codec::SameSite::Lax;
  // Of the cookie, and of the session from sign-in.
  Duration session_lifetime = std::chrono::hours(14);
  // How long a session may still be handed to a route whose access token could not be renewed: the
  // shortest of all routes, or a browser would go round.
  Duration outage_grace{0};
  bool takes_backchannel_logout = false;
  bool takes_frontchannel_logout = false;
  // The claim written as the user's directory record; empty: none is written.
  std::string groups_claim;
  // The public keys of assertions, {"keys":[...]}.
  std::string jwks;
  // Claims of jwt_claims_headers, shown by /.pomerium/user.
  std::vector<std::string> extra_claims;
  // Groups that it shows, sorted; empty: all.
  std::vector<std::string> groups_filter;
};

// Signs people in and out (identity specification 1.5 to 1.12): our own paths on route hosts and on
// the authenticate host, between the browser, the provider and the databroker. Lives on the control
// core.
//
// A sign-in passes from hand to hand: A route host -> B sign_in on the authenticate host -> C the
// provider -> D /oauth2/callback -> B again -> E -> F /.pomerium/callback/ on the route host. Every
// step is a redirect that carries what the next one needs, signed or sealed.
class Authenticator {
 public:
  // All outlive the authenticator; `provider` is null when none is configured.
  struct Parts {
    async::Core& core;
    databroker::Databroker& broker;
    identity::Provider* provider = nullptr;
    telemetry::Log& log;
    telemetry::MetricRegistry& metrics;
    // Of the control core.
    std::size_t metric_shard;
    const SecretList& shared_key;
    const SecretList& cookie_key;
  };
  Authenticator(const Parts& parts,
                AuthenticatorSettings settings,
                async::Snapshot<route::RouteTable> routes);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  ~Authenticator();

  // From the next look at a setting on; what is under way goes on with it.
  void use(AuthenticatorSettings settings, async::Snapshot<route::RouteTable> routes);
  // Other secrets for what is made and read from now on.
  void use(const SecretList& shared_keys, const SecretList& cookie_keys);

  // Answers a request to one of our own paths.
  Async<http::Response> answer(Visit visit, Deadline deadline);

  // Hop A: sends a navigation to sign-in, or says why that would not help. `visit` is the request
  // to the route.
  Async<http::Response> start_login(Visit visit, Deadline deadline);

  // Of the provider whose sessions count; "" without one.
  std::string_view idp_id() const;

 private:
  // Who ended a session.
  enum class EndedBy : std::uint8_t { Person, Provider };
  struct Handed;
  struct Ended;

  bool is_authenticate_host(const http::Authority& host) const;

  // own_paths.cc: what every host answers.
  Async<http::Response> answer_route_host(Visit visit, Deadline deadline);
  Async<http::Response> answer_authenticate_host(Visit visit, Deadline deadline);
  http::Response well_known(const http::Request& request) const;
  http::Response jwks(const http::Request& request) const;
  http::Response user_page(const Visit& visit) const;
  http::Response user_json(const Visit& visit) const;
  http::Response programmatic_login(const http::Request& request);
  http::Response refuse(const http::Request& request,
                        std::uint16_t status,
                        std::string_view explanation) const;

  // sign_in.cc: hops A, B, E and F. at_provider.cc: hops C and D.
  std::string sign_in_url(const http::Uri& target, codec::Query extra);
  Async<http::Response> sign_in(http::Request request, Deadline deadline);
  Async<http::Response> to_provider(http::Request request, Deadline deadline);
  Async<http::Response> callback(http::Request request, Deadline deadline);
  Async<http::Response> finish_login(http::Request request,
                                     LoginState state,
                                     identity::LoginAnswer answer,
                                     Deadline deadline);
  Async<session::Handle> store_session(identity::SignedIn signed_in,
                                       std::string host,
                                       Deadline deadline);
  Result<http::Response> hand_over(const codec::Query& query, session::Handle handle);
  http::Response provider_refused(const http::Request& request,
                                  const codec::Query& query,
                                  std::string_view error,
                                  bool is_ours) const;
  std::string wanted_page(std::string_view sign_in_url) const;
  http::Response not_begun_here(const http::Request& request,
                                std::string_view state,
                                std::string_view explanation) const;
  http::Response restart(const http::Request& request, const LoginState& state) const;
  Result<http::Response> route_callback(const http::Request& request);
  Result<http::Uri> target_of(const codec::Query& query) const;
  std::string counted_attempts(const http::Request& request) const;
  http::Response login_problem(const http::Request& request,
                               const Error& error,
                               std::string_view retry_url) const;
  Result<Handed> open_callback(const http::Request& request);
  Async<std::optional<session::Handle>> current_session(const http::Request* request,
                                                        Deadline deadline);
  Async<std::optional<http::Response>> break_loop(const Visit* visit, Deadline deadline);

  // sign_out.cc
  Async<http::Response> sign_out_of_route(Visit visit, Deadline deadline);
  Async<http::Response> sign_out(http::Request request, Deadline deadline);
  Async<Secret> end_session(std::string session_id, EndedBy by, Deadline deadline);
  void note_end(std::string_view session_id, EndedBy by);
  Task<std::string> leave_provider(Secret id_token, std::string target, Deadline deadline);
  std::string sign_out_target(const codec::Query& query) const;
  std::string own_session_id(const http::Request& request);
  std::string seal_ended(std::string_view session_id, const Secret& id_token) const;
  std::optional<Ended> open_link(const http::Request& request);

  // provider_logout.cc
  Async<http::Response> backchannel_logout(http::Request request, Deadline deadline);
  Async<http::Response> frontchannel_logout(http::Request request, Deadline deadline);
  Async<void> end_provider_sessions(session::ProviderSession of, Deadline deadline);

  // cookies.cc
  codec::SetCookie session_cookie(std::string value) const;
  codec::SetCookie authenticate_cookie(std::string value) const;
  codec::SetCookie csrf_cookie(const CsrfToken& token) const;
  codec::SetCookie attempts_cookie(std::string value) const;
  std::optional<CsrfToken> csrf_token(const http::Request& request) const;
  std::optional<std::string> cookie(const http::Request& request, std::string_view suffix) const;
  WallTime now() const;

  Parts parts_;
  AuthenticatorSettings settings_;
  async::Snapshot<route::RouteTable> routes_;
  UrlSigner signer_;
  LoginStates states_;
  session::HandleCodec handles_;
  crypto::XChaCha20Poly1305List seal_;
  ReplayGuard states_used_;
  ReplayGuard callbacks_used_;
  ReplayGuard logout_tokens_used_;
  telemetry::Counter ended_by_person_;
  telemetry::Counter ended_by_provider_;
};

}  // namespace vallum::authenticate
