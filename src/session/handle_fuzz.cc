#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "crypto/jose/jws.h"
#include "session/handle.h"

// Reads the input as a handle, and as the claims of a correctly signed one, so that the reader of
// claims is reached too. What was read can be signed again and reads back as the same handle.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum;
  using namespace vallum::session;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Secret key(std::string_view("0123456789abcdef0123456789abcdef"));
  HandleCodec codec(key);
  crypto::Hmac hmac(crypto::MacAlgorithm::HmacSha256, key.expose());

  static_cast<void>(codec.verify(text));
  const auto handle = codec.verify(crypto::sign_hs256(hmac, text));
  if (!handle) {
    return 0;
  }
  CHECK(!handle->session_id.empty());
  static_cast<void>(handle->covers_host(text));
  const std::string again = codec.sign(*handle);
  if (again.size() > HandleCodec::kTextBytesMax) {
    return 0;
  }
  const auto read = codec.verify(again);
  CHECK(read.has_value());
  CHECK(read->session_id == handle->session_id);
  CHECK(read->user_id == handle->user_id);
  CHECK(read->audience == handle->audience);
  CHECK(read->record_version == handle->record_version);
  return 0;
}
