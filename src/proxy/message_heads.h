#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/syntax/head.h"
#include "policy/facts.h"
#include "proxy/route.h"

namespace vallum::proxy {

// What the deployment, not the route, says about forwarded requests.
struct ForwardSettings {
  // Our session cookie; <name>_csrf and its like are ours, too.
  std::string cookie_name = "_pomerium";
  bool append_forwarded_for = true;
  // Proxies in front whose X-Forwarded-* is believed.
  unsigned trusted_hops = 0;
};

// What references in headers that are set may stand for; "" and null where there is nothing.
struct HeaderFacts {
  std::string_view assertion = {};
  std::string_view access_token = {};
  std::string_view id_token = {};
  // The client's, trusted or not.
  const policy::LeafCertificate* leaf = nullptr;
};

// A request as the upstream is to get it. Views live until the call returns.
struct UpstreamRequest {
  const http::RequestHead& client;
  const ForwardRules& rules;
  const ForwardSettings& settings;
  // The normalised path that router and policy saw, and the query.
  std::string_view path;
  std::optional<std::string_view> query;
  // The address of the connection's peer.
  std::string_view peer_ip;
  std::string_view request_id;
  // Complete header lines that carry identity.
  std::string_view identity_lines;
  // For X-Serverless-Authorization; "" for none.
  std::string_view serverless_token;
  HeaderFacts facts;
  // Forwards Connection: upgrade and this protocol; "" for none.
  std::string_view upgrade;
};

// Appends the head of the request to the upstream: hop-by-hop fields (RFC 9110 7.6.1), our
// credentials in every form, and everything that only we may say are left out; then ours are added,
// so that no Connection option of the client can remove them (policy specification 5.7,
// configuration specification 4.7 and 4.8).
void append_upstream_request(std::string& out, const UpstreamRequest& request);

// Appends the query without our session parameter.
void append_query_without_session(std::string& out, std::string_view query);

// Appends the cookies that are not ours. Returns whether there was one.
bool append_foreign_cookies(std::string& out,
                            std::string_view cookies,
                            std::string_view cookie_name);

// Whether a cookie name is ours: the session cookie's or one derived from it.
bool is_own_cookie(std::string_view name, std::string_view cookie_name);

// An answer as the client is to get it.
struct ClientResponse {
  const http::ResponseHead& upstream;
  const ForwardRules& rules;
  const ForwardSettings& settings;
  std::string_view request_id;
  // How the body will be sent: a length, chunks, or none.
  http::BodyFraming framing;
  // The request's method decides whether Content-Length may stand without a body.
  http::Method method = http::Method::Get;
  bool keep_alive = true;
  // Of a 101 answer.
  std::string_view upgrade;
  // An IMF-fixdate for answers without a Date.
  std::string_view date;
};

// Appends the head of the answer to the client (configuration specification 4.9).
void append_client_response(std::string& out, const ClientResponse& response);

struct OwnResponse {
  std::string_view request_id;
  std::string_view date;
  http::Method method = http::Method::Get;
  bool keep_alive = true;
};

// Appends a whole answer of our own, with its body unless the request was HEAD.
void append_own_response(std::string& out,
                         const http::Response& response,
                         const OwnResponse& about);

}  // namespace vallum::proxy
