#include "identity/token_answer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
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

Unexpected refusal(const http::ClientResponse& response, const Node* root) {
  const Node* code = root == nullptr ? nullptr : root->find("error");
  if (response.status >= 500 || response.status == 429 || code == nullptr || !code->is_string()) {
    return fail(ErrorKind::Unavailable,
                "token endpoint: answered with status " + std::to_string(response.status));
  }
  std::string text = "token endpoint: refused with '" + printable(code->text(), 64) + "'";
  const Node* description = root->find("error_description");
  if (description != nullptr && description->is_string()) {
    text += ": " + printable(description->text(), 200);
  }
  return fail(kind_of(code->text()), std::move(text));
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

}  // namespace

Result<TokenAnswer> parse_token_answer(const http::ClientResponse& response, WallTime now) {
  const codec::ReadLimits limits{
      .bytes_max = Limits::kTokenAnswerBytesMax, .depth_max = 16, .nodes_max = 1000};
  const auto root = codec::parse_json(response.body, limits, codec::DuplicateKeys::Refuse);
  if (!response.is_success()) {
    return refusal(response, root ? &*root : nullptr);
  }
  if (!root || !root->is_map()) {
    return fail(ErrorKind::Unavailable, "token endpoint: its answer is not a JSON object");
  }
  TokenAnswer answer;
  TRY(answer.id_token, token_member(*root, "id_token"));
  TRY(answer.tokens.access_token, token_member(*root, "access_token"));
  if (root->find("refresh_token") != nullptr && !root->find("refresh_token")->text().empty()) {
    TRY(answer.tokens.refresh_token, token_member(*root, "refresh_token"));
  }
  const Node* type = root->find("token_type");
  if (type == nullptr || !iequals(type->text(), "bearer")) {
    return fail(ErrorKind::Unavailable, "token endpoint: 'token_type' is not Bearer");
  }
  answer.tokens.token_type = "Bearer";
  if (const auto seconds = seconds_member(*root, "expires_in")) {
    answer.tokens.expires_at = now + std::chrono::seconds(*seconds);
  }
  return answer;
}

}  // namespace vallum::identity
