#include "authenticate/login_state.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/kdf.h"

namespace vallum::authenticate {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kMacBytes = 32;

Secret derive(const Secret& cookie_key, std::string_view purpose) {
  return crypto::hkdf_sha256(cookie_key.expose(), purpose, kKeyBytes);
}

std::string encode(ByteView bytes) {
  return codec::encode_base64(bytes, codec::Base64::UrlRaw);
}

Unexpected bad_state() {
  return fail(ErrorKind::InvalidInput, "sign-in: the state is not one of ours for this browser");
}

}  // namespace

CsrfToken make_csrf_token(Entropy& entropy) {
  CsrfToken token{};
  entropy.fill(token);
  return token;
}

LoginStates::Keys::Keys(const Secret& cookie_key)
    : seal(cookie_key.expose()),
      cookie_mac_key(derive(cookie_key, "vallum/csrf-cookie")),
      verifier_key(derive(cookie_key, "vallum/pkce-verifier")) {}

LoginStates::LoginStates(const SecretList& cookie_keys) {
  CHECK(cookie_keys.has_value());
  for (const Secret& key : cookie_keys.all()) {
    keys_.emplace_back(key);
  }
}

std::string LoginStates::cookie_value(const CsrfToken& token, WallTime now) const {
  Bytes value(token.begin(), token.end());
  value.resize(token.size() + kTimeBytes);
  store_be64(static_cast<std::uint64_t>(unix_seconds(now)), value.data() + token.size());
  const crypto::Mac mac =
      crypto::hmac(crypto::MacAlgorithm::HmacSha256, keys_.front().cookie_mac_key.expose(), value);
  value.insert(value.end(), mac.begin(), mac.end());
  return encode(value);
}

std::optional<CsrfToken> LoginStates::read_cookie(std::string_view value, WallTime now) const {
  const std::optional<Bytes> bytes = codec::decode_base64(value, codec::Base64::UrlRaw);
  CsrfToken token{};
  const std::size_t signed_bytes = token.size() + kTimeBytes;
  if (!bytes || bytes->size() != signed_bytes + kMacBytes) {
    return std::nullopt;
  }
  const ByteView all(*bytes);
  const bool is_ours = std::ranges::any_of(keys_, [&](const Keys& keys) {
    const crypto::Mac mac = crypto::hmac(
        crypto::MacAlgorithm::HmacSha256, keys.cookie_mac_key.expose(), all.first(signed_bytes));
    return constant_time_equal(mac, all.subspan(signed_bytes));
  });
  if (!is_ours) {
    return std::nullopt;
  }
  const WallTime issued =
      from_unix_seconds(static_cast<std::int64_t>(load_be64(all.data() + token.size())));
  if (issued + kCookieLifetime < now) {
    return std::nullopt;
  }
  std::ranges::copy(all.first(token.size()), token.begin());
  return token;
}

std::string LoginStates::make_state(const CsrfToken& token,
                                    std::string_view sign_in_url,
                                    WallTime now,
                                    Entropy& entropy) const {
  // T | seconds | trace | C; the trace part is empty until tracing exists.
  std::string text = codec::encode_base64(token, codec::Base64::Std);
  text.append("|").append(std::to_string(unix_seconds(now))).append("||");
  const Bytes sealed = keys_.front().seal.seal(as_bytes(sign_in_url), as_bytes(text), entropy);
  text.append(as_text(sealed));
  return codec::encode_base64(as_bytes(text), codec::Base64::Url);
}

struct LoginStates::Opened {
  Bytes token;
  LoginState state;
  const Keys* keys;  // that made it
};

Result<LoginStates::Opened> LoginStates::open_any(std::string_view state) const {
  if (state.size() > kStateBytesMax) {
    return bad_state();
  }
  const std::optional<Bytes> decoded = codec::decode_base64(state, codec::Base64::Url);
  if (!decoded) {
    return bad_state();
  }
  const std::string_view text = as_text(*decoded);
  const std::size_t first = text.find('|');
  const std::size_t second = first == std::string_view::npos ? first : text.find('|', first + 1);
  const std::size_t third = second == std::string_view::npos ? second : text.find('|', second + 1);
  if (third == std::string_view::npos) {
    return bad_state();
  }
  std::optional<Bytes> token = codec::decode_base64(text.substr(0, first), codec::Base64::Std);
  const std::optional<std::uint64_t> seconds =
      parse_u64(text.substr(first + 1, second - first - 1));
  if (!token || !seconds || *seconds > 9'000'000'000U) {
    return bad_state();
  }
  for (const Keys& keys : keys_) {
    const Result<Bytes> url =
        keys.seal.open(as_bytes(text.substr(third + 1)), as_bytes(text.substr(0, third + 1)));
    if (url) {
      return Opened{.token = *std::move(token),
                    .state = {.sign_in_url = std::string(as_text(*url)),
                              .issued = from_unix_seconds(static_cast<std::int64_t>(*seconds))},
                    .keys = &keys};
    }
  }
  return bad_state();
}

Result<LoginState> LoginStates::open_state(const CsrfToken& token, std::string_view state) const {
  TRY(Opened opened, open_any(state));
  if (!constant_time_equal(opened.token, token)) {
    return bad_state();
  }
  return std::move(opened.state);
}

Result<LoginState> LoginStates::open_of_anybody(std::string_view state) const {
  TRY(Opened opened, open_any(state));
  return std::move(opened.state);
}

bool LoginStates::is_expired(const LoginState& state, WallTime now) {
  const Duration age = now - state.issued;
  return age > kLifetime || age < -kLifetime;
}

std::string LoginStates::pkce_verifier(const CsrfToken& token, std::string_view state) const {
  std::string message(as_text(token));
  message.append(state);
  const Result<Opened> opened = open_any(state);
  const Keys& keys = opened ? *opened->keys : keys_.front();
  return encode(crypto::hmac(
      crypto::MacAlgorithm::HmacSha256, keys.verifier_key.expose(), as_bytes(message)));
}

std::string LoginStates::nonce(const CsrfToken& token, std::string_view state) const {
  std::string message(as_text(token));
  message.append(state);
  return encode(crypto::sha256(as_bytes(message)));
}

}  // namespace vallum::authenticate
