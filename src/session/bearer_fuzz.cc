#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "session/bearer.h"
#include "session/credentials.h"

// The input is an Authorization field. A token that is found is the rest of the field after its
// scheme, and no credential of ours; the session of one token is not that of another, and not that
// of the same token elsewhere.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum;
  using config::BearerTokenFormat;
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  const std::optional<std::string_view> token = session::bearer_token(field);
  if (!token) {
    return 0;
  }
  CHECK(!session::carries_own_credential(field));
  CHECK(token->empty() || (token->data() > field.data() &&
                           token->data() + token->size() <= field.data() + field.size()));
  // What is written around it changes nothing.
  const std::string same = "bEARER " + std::string(*token);
  const std::optional<std::string_view> again = session::bearer_token(same);
  CHECK(again.has_value());

  const auto id = [&](BearerTokenFormat format, std::string_view provider, std::string_view text) {
    return session::bearer_session_id(format, provider, text);
  };
  const std::string own = id(BearerTokenFormat::Jwt, "p", *token);
  CHECK(own.size() == 36 && own == id(BearerTokenFormat::Jwt, "p", *token));
  CHECK(own != id(BearerTokenFormat::Jwt, "p", std::string(*token) + "x"));
  CHECK(own != id(BearerTokenFormat::Jwt, "q", *token));
  CHECK(own != id(BearerTokenFormat::IdpAccessToken, "p", *token));
  CHECK(id(BearerTokenFormat::IdpAccessToken, "p", *token) !=
        id(BearerTokenFormat::IdpIdentityToken, "p", *token));
  return 0;
}
