#include "base/strings.h"
#include "pages/answer.h"
#include "proxy/planner.h"
#include "tls/server_context.h"

// A certificate is shown once, in the handshake, and asked about with every request: under the
// authorities of the request's route, of its generation, and at its time.
namespace vallum::proxy {

// What there is to refuse before the route's policy is asked; true with an answer in x.reply.
// Requires that anybody is asked for certificates.
bool Planner::refuse_client(Exchange& x) {
  if (asked_for_others(x)) {
    x.keep_alive = false;
  }
  if (!is_admitted(x, *x.generation->settings)) {
    reply_refusal(x, {.status = 495, .request_id = x.request_id.view()});
    x.keep_alive = false;
    return true;
  }
  if (x.route != nullptr && is_misdirected(x)) {
    reply_error(x, 421, "Misdirected Request", "client_certificate_of_another_host");
    x.keep_alive = false;
    return true;
  }
  return false;
}

// Whether the handshake asked for other certificates than it would now: then the client cannot have
// chosen rightly, and is to shake hands again.
bool Planner::asked_for_others(const Exchange& x) {
  const async::Snapshot<crypto::ClientAuthorities>& now =
      x.generation->settings->client_certificates.all;
  if (now == asked_ || x.generation->tls == nullptr) {
    return false;
  }
  if (asked_ != nullptr && asked_->certificates_digest() == now->certificates_digest()) {
    asked_ = now;
    return false;
  }
  return true;
}

// Where a handshake fails without a trusted certificate, a connection from before such a rule, and
// one whose certificate is no longer good, get nothing either.
bool Planner::is_admitted(Exchange& x, const config::Settings& settings) {
  const config::ClientCertificateSettings& clients = settings.client_certificates;
  if (clients.all == nullptr || clients.enforcement != config::Enforcement::RejectConnection) {
    return true;
  }
  if (certificate_ == nullptr) {
    return false;
  }
  x.check.certificate_fault = core_.authorizer().certificate_fault(*certificate_, *clients.all);
  return x.check.certificate_fault == crypto::ChainFault::None;
}

// Whether the connection was made for a host that asks clients for other certificates than the
// request's: a client that puts them on one connection gets to choose again (RFC 9110 15.5.20).
bool Planner::is_misdirected(const Exchange& x) const {
  const config::ClientCertificateSettings& clients = x.generation->settings->client_certificates;
  if (server_name_.empty() || iequals(x.head.authority.host(), server_name_)) {
    return false;
  }
  const auto authority = http::Authority::parse(server_name_);
  if (!authority) {
    return true;
  }
  const std::optional<route::RouteIndex> route =
      x.generation->table.find_route(*authority, x.target.path, x.head.method);
  const auto& meant =
      route ? x.generation->routes[*route].settings->client_authorities : clients.authorities;
  return meant != x.route->settings->client_authorities;
}

telemetry::RecordCertificate Planner::certificate_record(const Exchange& x) const {
  if (certificate_ == nullptr) {
    return {};
  }
  const crypto::ChainFault fault = x.check.certificate_fault;
  return {
      .fingerprint = certificate_->fingerprint(),
      .issuer = certificate_->chain().issuer(),
      .subject = certificate_->chain().subject(),
      .fault = fault == crypto::ChainFault::None ? std::string_view() : crypto::to_string(fault)};
}

}  // namespace vallum::proxy
