#include "dev/identity_provider.h"

#include <optional>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/percent.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "dev/loopback.h"
#include "http/syntax/uri.h"
#include "pages/document.h"
#include "pages/response.h"

namespace vallum::dev {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kAttemptLifetime = minutes(10);
constexpr auto kCodeLifetime = minutes(1);
// A working day: whoever develops a policy is not to meet refreshes at every turn.
constexpr auto kAccessLifetime = hours(8);
constexpr auto kRefreshLifetime = hours(24 * 30);
constexpr std::size_t kEmailBytesMax = 254;
constexpr std::size_t kGroupsMax = 50;

Secret derive(const Secret& seed, std::string_view purpose) {
  return crypto::hkdf_sha256(seed.expose(), purpose, 32);
}

std::string value_of(const codec::Query& query, std::string_view name) {
  const std::string* value = query.find(name);
  return value == nullptr ? std::string() : *value;
}

http::Response json_response(std::uint16_t status, std::string body) {
  return pages::make_response(status, "application/json", std::move(body));
}

// RFC 6749 5.2.
http::Response oauth_error(std::uint16_t status, std::string_view code, std::string_view text) {
  std::string body;
  codec::JsonWriter(body)
      .begin_object()
      .member("error", code)
      .member("error_description", text)
      .end_object();
  return json_response(status, std::move(body));
}

http::Response text_response(std::uint16_t status, std::string_view text) {
  return pages::make_response(status, "text/plain; charset=UTF-8", std::string(text) + "\n");
}

http::Response redirect(std::string_view target, const codec::Query& parameters) {
  std::string location(target);
  if (!parameters.empty()) {
    location += target.contains('?') ? '&' : '?';
    location += parameters.encode();
  }
  http::Response response = pages::make_response(303, "", "");
  response.headers.add("Location", location);
  return response;
}

// Where a code may go: a name that always means this machine.
bool is_loopback_url(std::string_view text) {
  const auto uri = http::Uri::parse(text);
  return uri.has_value() && !uri->fragment().has_value() && is_loopback_name(uri->authority());
}

void write_groups(codec::JsonWriter& json, const Person& person) {
  json.key("groups").begin_array();
  for (const std::string& group : person.groups) {
    json.value(group);
  }
  json.end_array();
}

void write_person(codec::JsonWriter& json, const Person& person) {
  json.member("sub", person.subject)
      .member("name", person.name)
      .member("email", person.email)
      .member("email_verified", true);
  write_groups(json, person);
}

std::string joined(const std::vector<std::string>& groups) {
  std::string out;
  for (const std::string& group : groups) {
    out += (out.empty() ? "" : ", ") + group;
  }
  return out;
}

struct Credentials {
  std::string id;
  std::string secret;
};

// RFC 6749 2.3.1: both parts are form-encoded inside of Basic.
std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() <= kScheme.size() ||
      !iequals(authorization.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  const auto decoded =
      codec::decode_base64(trim_ows(authorization.substr(kScheme.size())), codec::Base64::Std);
  if (!decoded.has_value()) {
    return std::nullopt;
  }
  const std::string_view pair = as_text(*decoded);
  const std::size_t colon = pair.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  auto id = codec::form_decode(pair.substr(0, colon));
  auto secret = codec::form_decode(pair.substr(colon + 1));
  if (!id.has_value() || !secret.has_value()) {
    return std::nullopt;
  }
  return Credentials{.id = std::move(*id), .secret = std::move(*secret)};
}

}  // namespace

IdentityProvider::IdentityProvider(DevelopmentMode /*mode*/,
                                   IdentityProviderOptions options,
                                   const Secret& seed,
                                   const Clock& clock,
                                   Entropy& entropy)
    : options_(std::move(options)),
      client_secret_(client_secret(seed)),
      signing_key_(crypto::SigningKey::derive(derive(seed, "vallum dev provider: signing key"))),
      tickets_(derive(seed, "vallum dev provider: tickets"), clock),
      clock_(clock),
      entropy_(entropy) {}

std::string IdentityProvider::client_secret(const Secret& seed) {
  return to_hex(derive(seed, "vallum dev provider: client secret").expose());
}

http::Response IdentityProvider::handle(const http::Request& request) {
  // A page of the wider web could make a browser on this machine ask under its own name.
  if (!request.peer.is_loopback() || !is_loopback_name(request.authority)) {
    return text_response(403, "The development identity provider is for this machine only.");
  }
  if (request.body.size() > kBodyBytesMax) {
    return text_response(413, "The form is too large.");
  }
  const bool post = request.method == http::Method::Post;
  const bool get = request.method == http::Method::Get || request.method == http::Method::Head;
  if (get && request.path == "/.well-known/openid-configuration") {
    return discovery();
  }
  if (get && request.path == "/jwks.json") {
    return json_response(200, "{\"keys\":[" + signing_key_.public_jwk() + "]}");
  }
  if (request.path == "/authorize" && (get || post)) {
    return get ? ask_who(request) : choose(request);
  }
  if (post && request.path == "/token") {
    return token(request);
  }
  if ((get || post) && request.path == "/userinfo") {
    return userinfo(request);
  }
  if ((get || post) && request.path == "/end_session") {
    return end_session(request);
  }
  if (post && request.path == "/revoke") {
    // RFC 7009 2.2. Tickets cannot be taken back; they expire.
    return pages::make_response(200, "", "");
  }
  return text_response(404, "The development identity provider has no such page.");
}

http::Response IdentityProvider::discovery() const {
  const std::string& issuer = options_.issuer;
  std::string body;
  codec::JsonWriter json(body);
  const auto list = [&json](std::string_view name, std::initializer_list<std::string_view> values) {
    json.any_key(name).begin_array();
    for (const std::string_view value : values) {
      json.value(value);
    }
    json.end_array();
  };
  json.begin_object()
      .member("issuer", issuer)
      .member("authorization_endpoint", issuer + "/authorize")
      .member("token_endpoint", issuer + "/token")
      .member("userinfo_endpoint", issuer + "/userinfo")
      .member("jwks_uri", issuer + "/jwks.json")
      .member("end_session_endpoint", issuer + "/end_session")
      .member("revocation_endpoint", issuer + "/revoke")
      .member("authorization_response_iss_parameter_supported", true);
  list("response_types_supported", {"code"});
  list("grant_types_supported", {"authorization_code", "refresh_token"});
  list("subject_types_supported", {"public"});
  list("id_token_signing_alg_values_supported", {"ES256"});
  list("code_challenge_methods_supported", {"S256"});
  list("token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post"});
  list("scopes_supported", {"openid", "profile", "email", "groups", "offline_access"});
  json.end_object();
  return json_response(200, std::move(body));
}

http::Response IdentityProvider::ask_who(const http::Request& request) {
  const auto query = codec::Query::parse(request.query);
  if (!query.has_value() || value_of(*query, "client_id") != kClientId ||
      !is_loopback_url(value_of(*query, "redirect_uri"))) {
    // Not to be redirected anywhere: where to is what cannot be trusted.
    return text_response(
        400,
        "This provider serves the client vallum-dev, and sends its answers to names "
        "of this machine only.");
  }
  const std::string redirect_uri = value_of(*query, "redirect_uri");
  codec::Query refusal;
  refusal.set("state", value_of(*query, "state"));
  refusal.set("iss", options_.issuer);
  if (value_of(*query, "response_type") != "code") {
    refusal.set("error", "unsupported_response_type");
    return redirect(redirect_uri, refusal);
  }
  if (value_of(*query, "code_challenge_method") != "S256" ||
      value_of(*query, "code_challenge").size() != 43) {
    refusal.set("error", "invalid_request");
    refusal.set("error_description", "PKCE with S256 is needed");
    return redirect(redirect_uri, refusal);
  }
  const Ticket attempt{.use = TicketUse::Request,
                       .expires = clock_.wall() + kAttemptLifetime,
                       .id = {},
                       .person = {},
                       .redirect_uri = redirect_uri,
                       .state = value_of(*query, "state"),
                       .nonce = value_of(*query, "nonce"),
                       .code_challenge = value_of(*query, "code_challenge")};
  const std::string nonce = pages::make_nonce(entropy_);
  // The answer to the form is a redirect that ends at the application.
  return pages::make_page(
      200, login_page(attempt, nonce, request.request_id), nonce, pages::FormTargets::Anywhere);
}

std::string IdentityProvider::login_page(const Ticket& attempt,
                                         std::string_view nonce,
                                         std::string_view request_id) {
  const std::string ticket = tickets_.print(attempt);
  const pages::Frame frame{.request_id = request_id, .nonce = nonce};
  pages::Document page("Who are you?", frame);
  page.paragraph(
      "This is the identity provider of development mode: choose somebody to be. It knows no "
      "passwords and answers to this machine only.");
  for (const Person& person : options_.people) {
    page.html()
        .markup(
            "<form method=\"post\" action=\"/authorize\"><input type=\"hidden\" name=\"request\"")
        .attribute("value", ticket)
        .markup("><button name=\"user\"")
        .attribute("value", person.subject)
        .markup(">")
        .text(person.name)
        .markup("</button> ")
        .text(person.email)
        .markup(person.groups.empty() ? pages::Markup(", in no group") : pages::Markup(", in "))
        .text(joined(person.groups))
        .markup("</form>\n");
  }
  page.heading("Somebody else");
  page.html()
      .markup("<form id=\"someone-else\" method=\"post\" action=\"/authorize\">")
      .markup("<input type=\"hidden\" name=\"request\"")
      .attribute("value", ticket)
      .markup("><p><label>E-mail <input name=\"email\" type=\"email\" required></label></p>")
      .markup("<p><label>Groups <input name=\"groups\" placeholder=\"one, two\"></label></p>")
      .markup("<button>Continue</button></form>\n");
  return page.finish();
}

Result<Person> IdentityProvider::chosen_person(const codec::Query& form) const {
  if (const std::string* user = form.find("user")) {
    for (const Person& person : options_.people) {
      if (person.subject == *user) {
        return person;
      }
    }
    return fail(ErrorKind::NotFound, "there is no such person");
  }
  const std::string email = value_of(form, "email");
  if (email.empty() || email.size() > kEmailBytesMax || !is_utf8(email) || !email.contains('@')) {
    return fail(ErrorKind::InvalidInput, "an e-mail address is needed");
  }
  Person person{
      .subject = email, .name = email.substr(0, email.find('@')), .email = email, .groups = {}};
  const std::string groups = value_of(form, "groups");
  for (const std::string_view group : split(groups, ',')) {
    if (!trim_space(group).empty() && person.groups.size() < kGroupsMax) {
      person.groups.emplace_back(trim_space(group));
    }
  }
  return person;
}

http::Response IdentityProvider::choose(const http::Request& request) {
  const auto form = codec::Query::parse(request.body);
  if (!form.has_value()) {
    return text_response(400, "The form cannot be read.");
  }
  auto attempt = tickets_.read(value_of(*form, "request"), TicketUse::Request);
  if (!attempt.has_value()) {
    return text_response(400, "This page is too old. Go back to the application and start again.");
  }
  auto person = chosen_person(*form);
  if (!person.has_value()) {
    return text_response(400, person.error().message());
  }
  Ticket code = *std::move(attempt);
  code.use = TicketUse::Code;
  code.expires = clock_.wall() + kCodeLifetime;
  code.id = entropy_.uuid();
  code.person = *std::move(person);
  codec::Query answer;
  answer.set("code", tickets_.print(code));
  answer.set("state", code.state);
  answer.set("iss", options_.issuer);
  return redirect(code.redirect_uri, answer);
}

bool IdentityProvider::is_client(const http::Request& request, const codec::Query& form) const {
  auto credentials = basic_credentials(request.headers.value("Authorization"));
  if (!credentials.has_value()) {
    credentials = {.id = value_of(form, "client_id"), .secret = value_of(form, "client_secret")};
  }
  return credentials->id == kClientId &&
         constant_time_equal(as_bytes(credentials->secret), as_bytes(client_secret_));
}

http::Response IdentityProvider::token(const http::Request& request) {
  const auto form = codec::Query::parse(request.body);
  if (!form.has_value()) {
    return oauth_error(400, "invalid_request", "the form cannot be read");
  }
  if (!is_client(request, *form)) {
    http::Response refusal = oauth_error(401, "invalid_client", "the client is not known");
    refusal.headers.add("WWW-Authenticate", "Basic realm=\"vallum dev\"");
    return refusal;
  }
  const std::string grant_type = value_of(*form, "grant_type");
  if (grant_type == "authorization_code") {
    const auto code = redeem_code(*form);
    return code.has_value() ? issue_tokens(*code)
                            : oauth_error(400, "invalid_grant", code.error().message());
  }
  if (grant_type == "refresh_token") {
    const auto refresh = tickets_.read(value_of(*form, "refresh_token"), TicketUse::Refresh);
    return refresh.has_value() ? issue_tokens(*refresh)
                               : oauth_error(400, "invalid_grant", refresh.error().message());
  }
  return oauth_error(400, "unsupported_grant_type", "use authorization_code or refresh_token");
}

Result<Ticket> IdentityProvider::redeem_code(const codec::Query& form) {
  TRY(Ticket code, tickets_.read(value_of(form, "code"), TicketUse::Code));
  if (code.redirect_uri != value_of(form, "redirect_uri")) {
    return fail(ErrorKind::Unauthenticated, "the code was made for another redirect_uri");
  }
  // RFC 7636 4.6.
  const crypto::Digest256 digest = crypto::sha256(as_bytes(value_of(form, "code_verifier")));
  if (codec::encode_base64(digest, codec::Base64::UrlRaw) != code.code_challenge) {
    return fail(ErrorKind::Unauthenticated, "the code_verifier does not fit");
  }
  forget_old_codes();
  if (used_codes_.size() >= kUsedCodesMax) {
    return fail(ErrorKind::ResourceExhausted, "too many codes in a minute");
  }
  if (!used_codes_.emplace(code.id, code.expires).second) {
    return fail(ErrorKind::Unauthenticated, "the code has been used already");
  }
  return code;
}

void IdentityProvider::forget_old_codes() {
  std::erase_if(used_codes_,
                [now = clock_.wall()](const auto& code) { return code.second <= now; });
}

std::string IdentityProvider::id_token(const Ticket& grant) const {
  std::string payload;
  codec::JsonWriter json(payload);
  json.begin_object()
      .member("iss", options_.issuer)
      .member("aud", kClientId)
      .member("iat", unix_seconds(clock_.wall()))
      .member("exp", unix_seconds(clock_.wall() + kAccessLifetime));
  if (!grant.nonce.empty()) {
    json.member("nonce", grant.nonce);
  }
  write_person(json, grant.person);
  json.end_object();
  return signing_key_.sign(payload);
}

http::Response IdentityProvider::issue_tokens(const Ticket& grant) {
  Ticket access{.use = TicketUse::Access,
                .expires = clock_.wall() + kAccessLifetime,
                .id = entropy_.uuid(),
                .person = grant.person,
                .redirect_uri = {},
                .state = {},
                .nonce = {},
                .code_challenge = {}};
  Ticket refresh = access;
  refresh.use = TicketUse::Refresh;
  refresh.expires = clock_.wall() + kRefreshLifetime;
  refresh.id = entropy_.uuid();
  std::string body;
  codec::JsonWriter(body)
      .begin_object()
      .member("token_type", "Bearer")
      .member("expires_in", seconds(kAccessLifetime).count())
      .member("access_token", tickets_.print(access))
      .member("refresh_token", tickets_.print(refresh))
      .member("id_token", id_token(grant))
      .end_object();
  return json_response(200, std::move(body));
}

http::Response IdentityProvider::userinfo(const http::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view authorization = request.headers.value("Authorization");
  const bool bearer = authorization.size() > kScheme.size() &&
                      iequals(authorization.substr(0, kScheme.size()), kScheme);
  const auto access =
      tickets_.read(bearer ? authorization.substr(kScheme.size()) : "", TicketUse::Access);
  if (!access.has_value()) {
    http::Response refusal = oauth_error(401, "invalid_token", access.error().message());
    refusal.headers.add("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return refusal;
  }
  std::string body;
  codec::JsonWriter json(body);
  json.begin_object();
  write_person(json, access->person);
  json.end_object();
  return json_response(200, std::move(body));
}

http::Response IdentityProvider::end_session(const http::Request& request) {
  const bool post = request.method == http::Method::Post;
  const auto query = codec::Query::parse(post ? request.body : request.query);
  if (!query.has_value()) {
    return text_response(400, "The request cannot be read.");
  }
  const std::string target = value_of(*query, "post_logout_redirect_uri");
  if (target.empty()) {
    return text_response(200, "You are signed out.");
  }
  if (!is_loopback_url(target)) {
    return text_response(400, "post_logout_redirect_uri must name this machine.");
  }
  codec::Query answer;
  if (query->has("state")) {
    answer.set("state", value_of(*query, "state"));
  }
  return redirect(target, answer);
}

}  // namespace vallum::dev
