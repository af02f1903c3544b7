// Any text as each of the documents a provider sends: metadata, token answer, the claims of an ID
// token and of userinfo. What comes out is within its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/json.h"
#include "crypto/jose/claims.h"
#include "identity/claims.h"
#include "identity/id_token.h"
#include "identity/limits.h"
#include "identity/metadata.h"
#include "identity/token_answer.h"

namespace {

using namespace vallum;  // NOLINT(google-build-using-namespace): a program of one function

void read_claims(std::string_view text) {
  const auto claims = crypto::parse_claims(text, {.depth_max = identity::Limits::kClaimDepthMax});
  if (!claims) {
    return;
  }
  const auto facts = identity::check_id_token(*claims,
                                              {.issuer = "https://idp.example",
                                               .client_id = "vallum",
                                               .nonce = "n",
                                               .access_token = "a",
                                               .now = from_unix_seconds(1'700'000'000)});
  CHECK(!facts || !facts->subject.empty());
  const auto flat = identity::flatten_claims(identity::merge_userinfo(*claims, *claims));
  if (!flat) {
    return;
  }
  CHECK(flat->size() <= identity::ClaimBounds::kNamesMax);
  for (const auto& [name, values] : *flat) {
    CHECK(name.size() <= identity::ClaimBounds::kNameBytesMax);
    CHECK(values.size() <= identity::ClaimBounds::kElementsMax);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_claims(text);
  if (const auto metadata = identity::parse_metadata(text, "https://idp.example", true)) {
    CHECK(metadata->token_endpoint.is_https() && metadata->jwks_uri.is_https());
    CHECK(!metadata->algorithms.contains(crypto::JwsAlgorithm::Hs256));
  }
  for (const int status : {200, 400}) {
    const http::ClientResponse response{.status = status, .headers = {}, .body = std::string(text)};
    const auto answer = identity::parse_token_answer(response, from_unix_seconds(1'700'000'000));
    CHECK(!answer || (status == 200 && !answer->tokens.access_token.empty()));
  }
  return 0;
}
