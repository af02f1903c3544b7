#include "identity/token_answer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "codec/http_date.h"
#include "codec/json.h"
#include "identity/limits.h"

namespace vallum::identity {
namespace {

using codec::Node;

constexpr std::uint64_t kLifetimeSecondsMax = 10ULL * 365 * 24 * 3600;

// A provider's text in an error of ours: short, printable.
std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out(text.substr(0, bytes_max));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

ErrorKind kind_of(std::string_view code) {
  if (code == "invalid_client" || code == "unauthorized_client" ||
      code == "unsupported_grant_type" || code == "invalid_request" || code == "invalid_scope") {
    return ErrorKind::Internal;
  }
  if (code == "server_error" || code == "temporarily_unavailable" || code == "slow_down") {
    return ErrorKind::Unavailable;
  }
  return ErrorKind::Unauthenticated;
}

// The OAuth error of an answer that is one (RFC 6749 5.2); null when the endpoint is in trouble or
// something in front of it answers.
const Node* error_code(const http::ClientResponse& response, const Node* root) {
  const Node* code = root == nullptr ? nullptr : root->find("error");
  const bool is_refusal = response.status >= 400 && response.status < 500 && response.status != 429;
  return is_refusal && code != nullptr && code->is_string() ? code : nullptr;
}

std::string refusal_text(const http::ClientResponse& response, const Node* root, const Node* code) {
  if (code == nullptr) {
    return "token endpoint: answered with status " + std::to_string(response.status);
  }
  std::string text = "token endpoint: refused with '" + printable(code->text(), 64) + "'";
  const Node* description = root->find("error_description");
  if (description != nullptr && description->is_string()) {
    text += ": " + printable(description->text(), 200);
  }
  return text;
}

Unexpected refusal(const http::ClientResponse& response, const Node* root) {
  const Node* code = error_code(response, root);
  return fail(code == nullptr ? ErrorKind::Unavailable : kind_of(code->text()),
              refusal_text(response, root, code));
}

// What a refusal of a refresh token means for its session. A code that is not known ends nothing.
RefreshOutcome::Kind outcome_of(const Node* code) {
  if (code == nullptr) {
    return RefreshOutcome::Kind::Temporary;
  }
  if (code->text() == "invalid_grant" || code->text() == "access_denied") {
    return RefreshOutcome::Kind::Ended;
  }
  return kind_of(code->text()) == ErrorKind::Internal ? RefreshOutcome::Kind::Misconfigured
                                                      : RefreshOutcome::Kind::Temporary;
}

// RFC 9110 10.2.3.
std::optional<Duration> retry_after(const http::ClientResponse& response, WallTime now) {
  const std::string_view text = response.headers.value("retry-after");
  if (const auto seconds = parse_u64(text)) {
    return std::chrono::seconds(std::min(*seconds, kLifetimeSecondsMax));
  }
  if (const auto date = codec::parse_http_date(text)) {
    return std::max(*date - now, Duration::zero());
  }
  return std::nullopt;
}

Result<Secret> token_member(const Node& root, std::string_view name) {
  const Node* member = root.find(name);
  if (member == nullptr || !member->is_string() || member->text().empty()) {
    return fail(ErrorKind::Unavailable,
                "token endpoint: no '" + std::string(name) + "' in its answer");
  }
  return Secret(std::string_view(member->text()));
}

// Some providers write the number as text.
std::optional<std::uint64_t> seconds_member(const Node& root, std::string_view name) {
  const Node* member = root.find(name);
  if (member == nullptr) {
    return std::nullopt;
  }
  const auto seconds = member->is_string() ? parse_u64(member->text()) : member->as_u64();
  if (!seconds || *seconds > kLifetimeSecondsMax) {
    return std::nullopt;
  }
  return seconds;
}

// What answers to a code and to a refresh token have in common.
Result<OAuthTokens> read_tokens(const Node& root, WallTime now) {
  OAuthTokens tokens;
  TRY(tokens.access_token, token_member(root, "access_token"));
  if (root.find("refresh_token") != nullptr && !root.find("refresh_token")->text().empty()) {
    TRY(tokens.refresh_token, token_member(root, "refresh_token"));
  }
  const Node* type = root.find("token_type");
  if (type == nullptr || !iequals(type->text(), "bearer")) {
    return fail(ErrorKind::Unavailable, "token endpoint: 'token_type' is not Bearer");
  }
  tokens.token_type = "Bearer";
  if (const auto seconds = seconds_member(root, "expires_in")) {
    tokens.expires_at = now + std::chrono::seconds(*seconds);
  }
  return tokens;
}

Result<Node> read_object(const http::ClientResponse& response) {
  const codec::ReadLimits limits{
      .bytes_max = Limits::kTokenAnswerBytesMax, .depth_max = 16, .nodes_max = 1000};
  auto root = codec::parse_json(response.body, limits, codec::DuplicateKeys::Refuse);
  if (!root || !root->is_map()) {
    return fail(ErrorKind::Unavailable, "token endpoint: its answer is not a JSON object");
  }
  return *std::move(root);
}

}  // namespace

Result<TokenAnswer> parse_token_answer(const http::ClientResponse& response, WallTime now) {
  const Result<Node> root = read_object(response);
  if (!response.is_success()) {
    return refusal(response, root ? &*root : nullptr);
  }
  TRY_OK(root);
  TokenAnswer answer;
  TRY(answer.id_token, token_member(*root, "id_token"));
  TRY(answer.tokens, read_tokens(*root, now));
  return answer;
}

RefreshAnswer parse_refresh_answer(const http::ClientResponse& response, WallTime now) {
  RefreshAnswer answer;
  RefreshOutcome& outcome = answer.outcome;
  const Result<Node> root = read_object(response);
  if (!response.is_success()) {
    const Node* object = root ? &*root : nullptr;
    const Node* code = error_code(response, object);
    outcome.kind = outcome_of(code);
    outcome.reason = refusal_text(response, object, code);
    outcome.retry_after = retry_after(response, now);
    return answer;
  }
  Result<OAuthTokens> tokens = root ? read_tokens(*root, now) : fail(root.error());
  if (!tokens) {
    outcome.reason = tokens.error().message();
    return answer;
  }
  outcome.kind = RefreshOutcome::Kind::Refreshed;
  outcome.tokens = *std::move(tokens);
  if (const Node* id_token = root->find("id_token"); id_token != nullptr && id_token->is_string()) {
    answer.id_token = Secret(std::string_view(id_token->text()));
  }
  return answer;
}

}  // namespace vallum::identity
