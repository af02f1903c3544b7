#include <algorithm>
#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "base/strings.h"
#include "codec/form.h"
#include "codec/json_writer.h"
#include "http/syntax/uri.h"
#include "session/provider_sessions.h"
#include "session/records.h"

// The identity provider ends sessions of its own: by a call of its server (OpenID Connect
// Back-Channel Logout 1.0) or by a frame in the person's browser (Front-Channel Logout 1.0).

namespace vallum::authenticate {
namespace {

// Longer than any logout token with the claims it has to have.
constexpr std::size_t kTokenBytesMax = 32 * 1024;
// A user has no more sessions than this times the most that is found at once.
constexpr int kRoundsMax = 10;

http::Response no_store(http::Response response) {
  response.headers.set("Cache-Control", "no-store");
  return response;
}

// Section 2.8 of Back-Channel Logout.
http::Response logout_refused(std::string_view why) {
  std::string json;
  codec::JsonWriter(json)
      .begin_object()
      .member("error", "invalid_request")
      .member("error_description", why)
      .end_object();
  http::Response response = json_answer(std::move(json));
  response.status = 400;
  return no_store(std::move(response));
}

bool is_form(const http::Request& request) {
  const std::string_view type = request.headers.value("content-type");
  return iequals(trim_ows(type.substr(0, type.find(';'))), "application/x-www-form-urlencoded");
}

// The one value of a parameter; "" when it is absent or stands twice.
std::string single(const codec::Query& query, std::string_view name) {
  const std::vector<std::string_view> values = query.all(name);
  return values.size() == 1 ? std::string(values.front()) : std::string();
}

}  // namespace

Async<http::Response> Authenticator::backchannel_logout(http::Request request, Deadline deadline) {
  if (request.method != http::Method::Post) {
    co_return refuse(request, 405, "Identity providers end sessions by POST.");
  }
  const Result<codec::Query> form = codec::Query::parse(request.body);
  std::string text = form ? single(*form, "logout_token") : std::string();
  if (!is_form(request) || text.empty() || text.size() > kTokenBytesMax) {
    co_return logout_refused("no form with one logout_token");
  }
  const Result<identity::LogoutToken> token =
      co_await parts_.provider->verify_logout_token(std::move(text), deadline);
  if (!token) {
    parts_.log.warn("a logout token was refused", {{"error", token.error().message()}});
    co_return logout_refused(token.error().message());
  }
  if (!logout_tokens_used_.take(token->token_id, parts_.core.now())) {
    parts_.log.warn("a logout token was refused", {{"error", "it was used before"}});
    co_return logout_refused("logout token: it was used before");
  }
  session::ProviderSession of{.issuer = parts_.provider->issuer(),
                              .subject = token->subject,
                              .session_id = token->session_id};
  const Result<void> done = co_await end_provider_sessions(std::move(of), deadline);
  if (!done) {
    logout_tokens_used_.give_back(token->token_id);  // the provider tries again
    parts_.log.error("sessions that the provider ended could not be ended",
                     {{"error", done.error().message()}});
    co_return logout_refused("the sessions could not be ended");
  }
  co_return no_store(text_answer(200, ""));
}

// Every session made of that one at the provider. All that are found are deleted, then is looked
// again.
Async<void> Authenticator::end_provider_sessions(session::ProviderSession of, Deadline deadline) {
  CO_TRY_OK(co_await session::ensure_provider_index(&parts_.broker, deadline));
  for (int round = 0; round < kRoundsMax; ++round) {
    CO_TRY(const std::vector<databroker::Record> found,
           co_await session::find_sessions(&parts_.broker, of, deadline));
    if (found.empty()) {
      co_return {};
    }
    databroker::Batch batch;
    for (const databroker::Record& record : found) {
      batch.push_back(databroker::Write::remove(record.key()));
    }
    CO_TRY_OK(co_await parts_.broker.put(std::move(batch), deadline));
    for (const databroker::Record& record : found) {
      note_end(record.id, EndedBy::Provider);
    }
  }
  co_return fail(ErrorKind::ResourceExhausted, "the user has too many sessions");
}

// A frame of the provider's sign-out page. Anybody can show such a frame, so it ends nothing but
// the session of this browser, and only when it names that session at the provider. Browsers send
// our cookie into frames of their own site alone.
Async<http::Response> Authenticator::frontchannel_logout(http::Request request, Deadline deadline) {
  if (request.method != http::Method::Get) {
    co_return refuse(request, 405, "Identity providers show this page in a frame.");
  }
  const Result<codec::Query> query = codec::Query::parse(request.query);
  const std::string issuer = query ? single(*query, "iss") : std::string();
  const std::string provider_session = query ? single(*query, "sid") : std::string();
  const std::string session_id = own_session_id(request);
  http::Response response = no_store(text_answer(200, "OK\n"));
  const Result<http::Uri> provider = http::Uri::parse(parts_.provider->issuer());
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; frame-ancestors " +
                           (provider ? std::string(provider->origin()) : std::string("'none'")));
  if (issuer != parts_.provider->issuer() || provider_session.empty() || session_id.empty()) {
    co_return response;
  }
  const Result<databroker::Record> record =
      co_await parts_.broker.get(session::session_key(session_id), deadline);
  const Result<session::SessionRecord> kept =
      record ? session::decode_session(record->value) : fail(record.error());
  const codec::Node* sid = kept ? session::find_claim(kept->claims, "sid") : nullptr;
  const bool is_named = sid != nullptr && kept->id_token && kept->id_token->issuer == issuer &&
                        std::ranges::any_of(sid->items(), [&](const codec::Node& item) {
                          return item.is_string() && item.text() == provider_session;
                        });
  if (!is_named) {
    co_return response;
  }
  const Result<Secret> ended = co_await end_session(session_id, EndedBy::Provider, deadline);
  if (!ended) {
    co_return refuse(request, 503, "The session could not be ended. Please try again.");
  }
  set_cookie(response, authenticate_cookie("").cleared());
  co_return response;
}

}  // namespace vallum::authenticate
