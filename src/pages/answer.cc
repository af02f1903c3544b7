#include "pages/answer.h"

#include <array>
#include <string>
#include <utility>

#include "codec/json_writer.h"
#include "pages/response.h"

namespace vallum::pages {
namespace {

struct Words {
  std::uint16_t status;
  std::string_view reason;
  std::string_view title;
  std::string_view explanation;
};

constexpr std::string_view kDeviceUnfit =
    "your device fails to meet the requirements necessary to access this page, please contact your "
    "administrator for assistance";
constexpr std::string_view kCertificateNeeded =
    "a valid client certificate is required to access this page";

constexpr auto kWords = std::to_array<Words>({
    {302, "Login", "Sign in", "You are being taken to the page where you sign in."},
    {400,
     "Bad Request",
     "The request cannot be read",
     "The browser or program sent something malformed."},
    {401, "Unauthenticated", "Sign in first", "This page is for people who have signed in."},
    {403,
     "Forbidden",
     "You may not open this page",
     "No rule of this application lets you in. Whoever runs it can change that: give them the "
     "request number below."},
    {404, "Not Found", "Nothing is here", "No application is published under this address."},
    {405,
     "Method Not Allowed",
     "This is not how to ask",
     "The address exists, but not for this method."},
    {408, "Request Timeout", "The request took too long", "It did not arrive in time. Try again."},
    {413,
     "Content Too Large",
     "The request is too large",
     "It is larger than what is accepted here."},
    {414, "URI Too Long", "The address is too long", "It is longer than what is accepted here."},
    {421,
     "Misdirected Request",
     "Wrong connection",
     "The connection was made for another host. Reload the page."},
    {426, "Upgrade Required", "The protocol is too old", "HTTP/1.1 or later is needed."},
    {429, "Too Many Requests", "Too many requests", "Wait a little and try again."},
    {431,
     "Request Header Fields Too Large",
     "The request carries too much",
     "Its header is larger than what is accepted here. Deleting the cookies of this site may "
     "help."},
    {450,
     kDeviceUnfit,
     "This device is not authorized",
     "Your device fails to meet what this page demands."},
    {495,
     kCertificateNeeded,
     "A client certificate is needed",
     "This page is only for browsers that present a valid client certificate."},
    {500,
     "Internal Server Error",
     "Something went wrong here",
     "The mistake is ours. It has been logged."},
    {502,
     "Bad Gateway",
     "The application answered something unreadable",
     "The application behind this address did not answer as it should."},
    {503,
     "Service Unavailable",
     "This cannot be reached right now",
     "What is needed to answer is not available. Try again in a moment."},
    {504,
     "Gateway Timeout",
     "The application does not answer",
     "The application behind this address took too long."},
});

const Words& words_of(std::uint16_t status) {
  static constexpr Words kOther = {0, "Error", "This did not work", ""};
  for (const Words& words : kWords) {
    if (words.status == status) {
      return words;
    }
  }
  return kOther;
}

std::string_view either(std::string_view first, std::string_view second) {
  return first.empty() ? second : first;
}

http::Response refusal_page(const Refusal& refusal, Entropy& entropy) {
  const Words& words = words_of(refusal.status);
  const std::string nonce = make_nonce(entropy);
  std::string html = error_html({.title = either(refusal.title, words.title),
                                 .explanation = either(refusal.explanation, words.explanation),
                                 .signed_in_as = refusal.signed_in_as,
                                 .sign_out_url = refusal.sign_out_url,
                                 .retry_url = refusal.retry_url,
                                 .policies = refusal.policies},
                                {.request_id = refusal.request_id, .nonce = nonce});
  return make_page(refusal.status, std::move(html), nonce);
}

std::string_view kubernetes_reason(std::uint16_t status) {
  switch (status) {
    case 401:
    case 450:
    case 495:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    default:
      return "";
  }
}

std::string_view grpc_status_of_decision(std::uint16_t status) {
  switch (status) {
    case 400:
      return "13";
    case 401:
      return "16";
    case 403:
      return "7";
    case 404:
      return "12";
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";
    default:
      return "2";
  }
}

std::string_view grpc_status_of_failure(std::uint16_t status) {
  switch (status) {
    case 404:
      return "5";
    case 408:
    case 504:
      return "4";
    case 429:
      return "8";
    case 502:
      return "13";
    case 503:
      return "14";
    default:
      return "2";
  }
}

// What a grpc-message may hold: printable ASCII without '%'.
std::string grpc_message(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0xFU];
    }
  }
  return out;
}

http::Response grpc_answer(std::uint16_t status,
                           Representation representation,
                           std::string_view grpc_status,
                           std::string_view reason) {
  const bool web = representation == Representation::GrpcWeb;
  http::Response response = make_response(web ? status : std::uint16_t{200},
                                          web ? "application/grpc-web+json" : "application/grpc",
                                          "");
  response.headers.add("grpc-status", grpc_status);
  response.headers.add("grpc-message", grpc_message(reason));
  return response;
}

// Under the name that page data of the reference has for them.
void append_policies(codec::JsonWriter& json, std::span<const PolicyView> policies) {
  if (policies.empty()) {
    return;
  }
  json.key("policy_evaluation_traces").begin_array();
  for (const PolicyView& policy : policies) {
    json.begin_object()
        .member("id", policy.id)
        .member("explanation", policy.explanation)
        .member("remediation", policy.remediation)
        .member("allow", policy.allow)
        .member("deny", policy.deny);
    json.key("reasons").begin_array();
    for (const std::string_view reason : policy.reasons) {
      json.value(reason);
    }
    json.end_array().end_object();
  }
  json.end_array();
}

std::string failure_json(const Refusal& failure, std::string_view reason) {
  std::string out = "{\n  \"requestId\": ";
  codec::append_json_string(out, failure.request_id);
  out += ",\n  \"status\": \"" + std::to_string(failure.status) + "\",\n  \"statusText\": ";
  codec::append_json_string(out, reason);
  out += "\n}\n";
  return out;
}

}  // namespace

http::Response refuse(const Refusal& refusal, Representation representation, Entropy& entropy) {
  const std::string_view reason = either(refusal.reason, words_of(refusal.status).reason);
  std::string body;
  codec::JsonWriter json(body);
  switch (representation) {
    case Representation::Kubernetes:
      json.begin_object()
          .member("apiVersion", "v1")
          .member("kind", "Status")
          .member("status", "Failure")
          .member("message", reason)
          .member("reason", kubernetes_reason(refusal.status))
          .member("code", refusal.status)
          .end_object();
      return make_response(refusal.status, "application/json", std::move(body));
    case Representation::Robots:
      return make_response(200, "text/plain", "User-agent: *\nDisallow: /");
    case Representation::Json:
      json.begin_object().member("error", reason).member("request_id", refusal.request_id);
      if (!refusal.login_url.empty()) {
        json.member("login_url", refusal.login_url);
      }
      append_policies(json, refusal.policies);
      json.end_object();
      return make_response(refusal.status, "application/json", std::move(body));
    case Representation::Grpc:
    case Representation::GrpcWeb:
      return grpc_answer(
          refusal.status, representation, grpc_status_of_decision(refusal.status), reason);
    case Representation::Plain:
    case Representation::Html:
      break;
  }
  return refusal_page(refusal, entropy);
}

http::Response report_failure(const Refusal& failure,
                              Representation representation,
                              Entropy& entropy) {
  const std::string_view reason = either(failure.reason, words_of(failure.status).reason);
  switch (representation) {
    case Representation::Grpc:
    case Representation::GrpcWeb:
      return grpc_answer(
          failure.status, representation, grpc_status_of_failure(failure.status), reason);
    case Representation::Json:
      return make_response(
          failure.status, "application/json; charset=UTF-8", failure_json(failure, reason));
    case Representation::Plain:
      return make_response(
          failure.status, "text/plain; charset=UTF-8", failure_json(failure, reason));
    case Representation::Kubernetes:
    case Representation::Robots:
    case Representation::Html:
      break;
  }
  return refusal_page(failure, entropy);
}

Refusal refusal_of(LoginProblem problem) {
  switch (problem) {
    case LoginProblem::ProviderUnreachable:
      return {.status = 503,
              .reason = "identity provider unavailable",
              .title = "The identity provider is not available",
              .explanation =
                  "It cannot be reached, or does not answer as it should, so nobody can sign in "
                  "right now. Who has signed in already is not affected. Try again in a moment."};
    case LoginProblem::ProviderTimeout:
      return {
          .status = 504,
          .reason = "identity provider timeout",
          .title = "The identity provider is too slow",
          .explanation = "The identity provider did not answer in time. Try again in a moment."};
    case LoginProblem::ProviderAnswer:
      return {.status = 502,
              .reason = "identity provider answer not understood",
              .title = "The identity provider gave a wrong answer",
              .explanation =
                  "What the identity provider answered cannot be trusted or understood, "
                  "so you are not signed in. An administrator finds the cause in the log "
                  "under the request number below."};
    case LoginProblem::ProviderRefused:
      return {.status = 401,
              .reason = "identity provider refused",
              .title = "The identity provider did not sign you in",
              .explanation =
                  "The identity provider refused this sign-in. Try again, or with another "
                  "account."};
    case LoginProblem::AttemptInvalid:
      return {.status = 400,
              .reason = "sign-in attempt not valid",
              .title = "This sign-in cannot be finished",
              .explanation =
                  "It was begun too long ago, in another browser, or has been used already. "
                  "Start again from the page you wanted to open."};
    case LoginProblem::StoreUnavailable:
      break;
  }
  return {.status = 503,
          .reason = "session store unavailable",
          .title = "Your session cannot be kept right now",
          .explanation =
              "You are not signed in: the session store does not answer. Try again in a "
              "moment."};
}

http::Response login_loop_page(const LoginLoopView& view, const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  return make_page(
      400, login_loop_html(view, {.request_id = context.request_id, .nonce = nonce}), nonce);
}

http::Response user_page(const UserView& view, const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  return make_page(200, user_html(view, {.request_id = context.request_id, .nonce = nonce}), nonce);
}

http::Response setup_page(const SetupView& view, const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  return make_page(
      503, setup_html(view, {.request_id = context.request_id, .nonce = nonce}), nonce);
}

http::Response sign_out_page(std::string_view signed_in_as,
                             std::string_view action,
                             const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  const Frame frame{.request_id = context.request_id, .nonce = nonce};
  return make_page(200, sign_out_html(signed_in_as, action, frame), nonce);
}

http::Response signed_out_page(std::string_view sign_in_url, const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  const Frame frame{.request_id = context.request_id, .nonce = nonce};
  return make_page(200, signed_out_html(sign_in_url, frame), nonce);
}

http::Response onward_page(std::string_view target, const PageContext& context) {
  const std::string nonce = make_nonce(context.entropy);
  const Frame frame{.request_id = context.request_id, .nonce = nonce};
  http::Response response = make_page(200, onward_html(target, frame), nonce);
  if (is_web_address(target)) {
    response.headers.add("Refresh", "0;url=" + std::string(target));
  }
  return response;
}

}  // namespace vallum::pages
