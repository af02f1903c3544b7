#include <algorithm>
#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "authenticate/redirect_uri.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "pages/answer.h"
#include "session/records.h"

namespace vallum::authenticate {

namespace {

constexpr std::string_view kSignInPath = "/.pomerium/sign_in";
constexpr std::string_view kCallbackPath = "/.pomerium/callback/";
// A longer way back would not survive being carried through three redirects.
constexpr std::size_t kTargetBytesMax = 2048;
constexpr std::size_t kAdditionalHostsMax = 16;
constexpr Duration kLoopWindow = std::chrono::seconds(30);
constexpr std::uint64_t kLoginsBeforeLoop = 2;

std::vector<http::Authority> additional_hosts(const codec::Query& query,
                                              const route::RouteTable& routes) {
  std::vector<http::Authority> hosts;
  const std::string* text = query.find(parameter::kAdditionalHosts);
  if (text == nullptr) {
    return hosts;
  }
  for (const std::string_view piece : split(*text, ',')) {
    const Result<http::Authority> host = http::Authority::parse(piece);
    // A host that is no route of ours gets no session, whoever signed its name.
    if (!piece.empty() && host && routes.serves(*host)) {
      hosts.push_back(*host);
    }
  }
  return hosts;
}

std::size_t additional_hosts_named(const codec::Query& query) {
  const std::string* text = query.find(parameter::kAdditionalHosts);
  return text == nullptr || text->empty()
             ? 0
             : static_cast<std::size_t>(std::ranges::count(*text, ',')) + 1;
}

}  // namespace

// A sealed session on its way to a route host.
struct Authenticator::Handed {
  codec::Query query;
  std::string handle_text;
  session::Handle handle;
};

std::string_view Authenticator::idp_id() const {
  return parts_.provider == nullptr ? std::string_view() : std::string_view(parts_.provider->id());
}

std::string Authenticator::sign_in_url(const http::Uri& target, codec::Query extra) {
  if (!idp_id().empty()) {
    extra.set(parameter::kIdpId, idp_id());
  }
  extra.set(parameter::kRedirectUri, target.text());
  std::string base(settings_.service_url->origin());
  base.append(kSignInPath);
  return signer_.sign(base, std::move(extra), now());
}

// Hop A.
Async<http::Response> Authenticator::start_login(Visit visit, Deadline deadline) {
  const http::Request& request = visit.request;
  if (!settings_.service_url || (settings_.signs_in && parts_.provider == nullptr)) {
    const std::vector<std::string_view> missing(settings_.missing_options.begin(),
                                                settings_.missing_options.end());
    co_return pages::setup_page(
        {.missing_options = missing},
        {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  }
  if (is_authenticate_host(request.authority)) {
    // Who has signed in here has no session here: those are of route hosts.
    co_return refuse(request, 401, "This page is shown on the hosts of applications.");
  }
  CO_TRY(std::optional<http::Response> loop, co_await break_loop(&visit, deadline));
  if (loop) {
    co_return *std::move(loop);
  }
  std::string target = request.path;
  if (!request.query.empty()) {
    target.append("?").append(request.query);
  }
  if (target.size() > kTargetBytesMax) {
    target = "/";
  }
  CO_TRY(const http::Uri url,
         http::Uri::of_request(http::Scheme::Https, request.authority.without_port(443), target));
  co_return redirect_to(sign_in_url(url, {}));
}

// A browser that signed in twice within half a minute and still comes without a session will not do
// better the third time: says why instead of sending it round again.
Async<std::optional<http::Response>> Authenticator::break_loop(const Visit* visit,
                                                               Deadline deadline) {
  const http::Request& request = visit->request;
  const std::optional<std::string> attempts = cookie(request, "_login");
  if (!attempts) {
    co_return std::nullopt;
  }
  const std::size_t dot = attempts->find('.');
  const std::optional<std::uint64_t> first = parse_u64(attempts->substr(0, dot));
  const std::optional<std::uint64_t> count =
      dot == std::string::npos ? std::nullopt : parse_u64(attempts->substr(dot + 1));
  if (!first || !count || *count < kLoginsBeforeLoop || *first > 9'000'000'000U ||
      from_unix_seconds(static_cast<std::int64_t>(*first)) + kLoopWindow < now()) {
    co_return std::nullopt;
  }
  pages::LoginLoopView view{.retry_url = request.path};
  std::string detail;
  const std::optional<std::string> presented = cookie(request, "");
  if (!presented) {
    view.cause = pages::LoopCause::CookieNotReturned;
    detail = "The browser did not send the cookie " + settings_.cookie_name + " back to " +
             std::string(request.authority.host()) + ".";
  } else if (const Result<session::Handle> handle = handles_.verify(*presented); handle) {
    if (!handle->covers_host(request.authority.host())) {
      view.cause = pages::LoopCause::HostMismatch;
      detail = "The session was made for another host than " +
               std::string(request.authority.host()) + ".";
    } else if (!handle->is_current(now())) {
      view.cause = pages::LoopCause::ClockSkew;
    } else {
      const Result<databroker::Record> record =
          co_await parts_.broker.get(session::session_key(handle->session_id), deadline);
      view.cause = record ? pages::LoopCause::ClockSkew : pages::LoopCause::StoreLag;
    }
  }
  view.detail = detail;
  http::Response response = pages::login_loop_page(
      view, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  set_cookie(response, attempts_cookie("").cleared());
  co_return response;
}

// Hop B. The signature is checked before anything else is believed.
Async<http::Response> Authenticator::sign_in(http::Request request, Deadline deadline) {
  if (request.method != http::Method::Get) {
    co_return refuse(request, 405, "Signing in begins with a link, not with a form.");
  }
  const Result<codec::Query> query = signer_.verify(signed_base(request), request.query, now());
  if (!query) {
    co_return refuse(request, 400, query.error().message());
  }
  const std::string* idp = query->find(parameter::kIdpId);
  if (parts_.provider == nullptr || (idp != nullptr && *idp != idp_id())) {
    co_return refuse(request, 400, "The link names an identity provider that is not configured.");
  }
  const Result<http::Uri> target = target_of(*query);
  if (!target) {
    co_return refuse(request, 400, target.error().message());
  }
  if (iequals(request.headers.value("x-requested-with"), "xmlhttprequest")) {
    co_return refuse(request, 401, "Sign-in needs a page of its own.");
  }
  CO_TRY(std::optional<session::Handle> handle, co_await current_session(&request, deadline));
  if (!handle) {
    co_return co_await to_provider(std::move(request), deadline);
  }
  Result<http::Response> response = hand_over(*query, *std::move(handle));
  if (!response) {
    co_return refuse(request, 400, response.error().message());
  }
  co_return *std::move(response);
}

// Where the browser is to end up: a route, or a program that asked for its token.
Result<http::Uri> Authenticator::target_of(const codec::Query& query) const {
  const std::string* text = query.find(parameter::kRedirectUri);
  if (text == nullptr) {
    return fail(ErrorKind::InvalidInput, "The link does not say where to go back to.");
  }
  const std::string* programmatic = query.find(parameter::kProgrammatic);
  return programmatic != nullptr && *programmatic == "true"
             ? parse_program_url(*text, settings_.programmatic_hosts)
             : parse_route_url(*text, *routes_);
}

// The session of the authenticate host's own cookie, if it still is one.
Async<std::optional<session::Handle>> Authenticator::current_session(const http::Request* request,
                                                                     Deadline deadline) {
  const std::optional<std::string> text = cookie(*request, "_authenticate");
  if (!text) {
    co_return std::nullopt;
  }
  Result<session::Handle> handle = handles_.verify(*text);
  if (!handle || handle->idp_id != idp_id() || !handle->is_current(now()) ||
      !handle->covers_host(request->authority.host())) {
    co_return std::nullopt;
  }
  const Result<databroker::Record> record =
      co_await parts_.broker.get(session::session_key(handle->session_id), deadline);
  if (!record) {
    if (record.error().kind() == ErrorKind::NotFound) {
      co_return std::nullopt;
    }
    co_return fail(record.error());
  }
  const Result<session::SessionRecord> session = session::decode_session(record->value);
  if (!session || session->valid_until() <= now() ||
      (session->tokens_expire_at() <= now() &&
       now() - session->tokens_expire_at() >= settings_.outage_grace)) {
    co_return std::nullopt;
  }
  co_return *std::move(handle);
}

// Hop E: the session travels sealed to the route host.
Result<http::Response> Authenticator::hand_over(const codec::Query& query, session::Handle handle) {
  TRY(const http::Uri target, target_of(query));
  const std::string* programmatic = query.find(parameter::kProgrammatic);
  const bool is_programmatic = programmatic != nullptr && *programmatic == "true";
  std::string callback_base = std::string(target.origin()) + std::string(kCallbackPath);
  std::string callback_host(target.host());
  if (const std::string* text = query.find(parameter::kCallbackUri); text != nullptr) {
    TRY(const http::Uri callback_url, parse_route_url(*text, *routes_));
    if (callback_url.path() != kCallbackPath || callback_url.query() || callback_url.fragment()) {
      return fail(ErrorKind::InvalidInput, "The link's callback is not one of ours.");
    }
    callback_base = callback_url.text();
    callback_host = callback_url.host();
  } else if (is_programmatic) {
    return fail(ErrorKind::InvalidInput, "The link does not say which route it is for.");
  }
  handle.issuer = settings_.service_url->authority().text();
  handle.issued_at = now();
  handle.audience = {std::string(settings_.service_url->host()), callback_host};
  codec::Query onward;
  onward.add(parameter::kRedirectUri, target.text());
  if (is_programmatic) {
    onward.add(parameter::kProgrammatic, "true");
  }
  if (additional_hosts_named(query) > kAdditionalHostsMax) {
    return fail(ErrorKind::InvalidInput, "The link names too many hosts.");
  }
  std::string more;
  for (const http::Authority& host : additional_hosts(query, *routes_)) {
    handle.audience.emplace_back(host.host());
    more.append(more.empty() ? "" : ",").append(host.text());
  }
  if (!more.empty()) {
    onward.add(parameter::kAdditionalHosts, more);
  }
  const Bytes sealed = seal_.seal(as_bytes(handles_.sign(handle)), {}, parts_.core.entropy());
  onward.add(parameter::kSessionEncrypted, codec::encode_base64(sealed, codec::Base64::Url));
  return redirect_to(signer_.sign(callback_base, std::move(onward), now()));
}

Result<Authenticator::Handed> Authenticator::open_callback(const http::Request& request) {
  TRY(codec::Query query, signer_.verify(signed_base(request), request.query, now()));
  const std::string* sealed_text = query.find(parameter::kSessionEncrypted);
  const std::optional<Bytes> sealed = sealed_text == nullptr
                                          ? std::nullopt
                                          : codec::decode_base64(*sealed_text, codec::Base64::Url);
  if (!sealed) {
    return fail(ErrorKind::InvalidInput, "The link carries no session.");
  }
  const Result<Bytes> opened = seal_.open(*sealed, {});
  if (!opened) {
    return fail(ErrorKind::InvalidInput, "The link's session cannot be opened.");
  }
  Handed handed{
      .query = std::move(query), .handle_text = std::string(as_text(*opened)), .handle = {}};
  Result<session::Handle> handle = handles_.verify(handed.handle_text);
  if (!handle || !handle->is_current(now()) || !handle->covers_host(request.authority.host())) {
    return fail(ErrorKind::InvalidInput, "The link's session is not for this host.");
  }
  handed.handle = *std::move(handle);
  return handed;
}

// Hop F: the route host gets its cookie. Works once.
Result<http::Response> Authenticator::route_callback(const http::Request& request) {
  TRY(const Handed handed, open_callback(request));
  TRY(const http::Uri target, target_of(handed.query));
  const std::string* programmatic = handed.query.find(parameter::kProgrammatic);
  const bool is_programmatic = programmatic != nullptr && *programmatic == "true";
  const std::string* session = handed.query.find(parameter::kSessionEncrypted);
  if (!callbacks_used_.take(*session + std::string(request.authority.text()), parts_.core.now())) {
    return fail(ErrorKind::InvalidInput, "The link has been used already.");
  }
  std::vector<http::Authority> more = additional_hosts(handed.query, *routes_);
  std::string next;
  if (!more.empty()) {
    codec::Query onward = handed.query;
    onward.remove(parameter::kAdditionalHosts);
    std::string rest;
    for (std::size_t i = 1; i < more.size(); ++i) {
      rest.append(rest.empty() ? "" : ",").append(more[i].text());
    }
    if (!rest.empty()) {
      onward.add(parameter::kAdditionalHosts, rest);
    }
    std::string base = "https://";
    base.append(more.front().without_port(443).text()).append(kCallbackPath);
    next = signer_.sign(base, std::move(onward), now());
  } else {
    next = target.text();
    if (is_programmatic) {
      // A program reads its token from the query, so the fragment stays behind it.
      const std::size_t hash = next.find('#');
      const std::string fragment = hash == std::string::npos ? "" : next.substr(hash);
      next.resize(std::min(hash, next.size()));
      next.append(target.query() ? "&" : "?").append(parameter::kJwt).append("=");
      next.append(handed.handle_text).append(fragment);
    }
  }
  http::Response response = redirect_to(next);
  set_cookie(response, session_cookie(handed.handle_text));
  set_cookie(response, attempts_cookie(counted_attempts(request)));
  return response;
}

// How often this browser has signed in within the last half minute, this time included.
std::string Authenticator::counted_attempts(const http::Request& request) const {
  const std::int64_t at = unix_seconds(now());
  const std::optional<std::string> before = cookie(request, "_login");
  if (before) {
    const std::size_t dot = before->find('.');
    const std::optional<std::uint64_t> first = parse_u64(before->substr(0, dot));
    const std::optional<std::uint64_t> count =
        dot == std::string::npos ? std::nullopt : parse_u64(before->substr(dot + 1));
    const auto window = std::chrono::duration_cast<std::chrono::seconds>(kLoopWindow).count();
    if (first && count && *count < 100 && *first <= static_cast<std::uint64_t>(at) &&
        static_cast<std::int64_t>(*first) + window >= at) {
      return std::to_string(*first) + "." + std::to_string(*count + 1);
    }
  }
  return std::to_string(at) + ".1";
}

}  // namespace vallum::authenticate
