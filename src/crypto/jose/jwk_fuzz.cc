// Any text through the key set reader; whatever key comes out must survive a verification.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "crypto/jose/jwk.h"

namespace {

using vallum::crypto::JwsAlgorithm;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto set =
      vallum::crypto::JwkSet::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!set) {
    return 0;
  }
  static constexpr std::array<std::byte, 256> kSignature{};
  for (const auto& key : set->keys()) {
    CHECK(!key.can_verify(JwsAlgorithm::Hs256));
    for (std::uint8_t i = 1; i < vallum::crypto::kJwsAlgorithmCount; ++i) {
      const auto algorithm = static_cast<JwsAlgorithm>(i);
      if (!key.can_verify(algorithm)) {
        continue;
      }
      const std::size_t bytes = algorithm == JwsAlgorithm::EdDsa || algorithm == JwsAlgorithm::Es256
                                    ? 64
                                    : kSignature.size();
      static_cast<void>(key.verify(algorithm, {}, vallum::ByteView(kSignature).first(bytes)));
    }
  }
  return 0;
}
