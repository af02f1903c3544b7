#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "session/credentials.h"

// Lines of the input are, in turn, Cookie, X-Pomerium-Authorization and Authorization fields and
// the query. Whatever is found is a piece of the input; a field that is accepted as ours is also
// one that gets stripped.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::session;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 5> lines;
  for (std::string_view& line : lines) {
    line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  const std::span<const std::string_view> all(lines);
  const auto found = find_credentials({.cookie = all.subspan(0, 2),
                                       .pomerium_authorization = all.subspan(2, 1),
                                       .authorization = all.subspan(3, 1),
                                       .query = lines[4]},
                                      "_pomerium");
  if (!found) {
    return 0;
  }
  CHECK(found->all().size() <= Credentials::kMax);
  for (const Credential& credential : found->all()) {
    const char* begin = reinterpret_cast<const char*>(data);
    CHECK(credential.text.empty() ||
          (credential.text.data() >= begin &&
           credential.text.data() + credential.text.size() <= begin + size));
    if (credential.source == CredentialSource::Authorization ||
        credential.source == CredentialSource::BearerAuthorization) {
      CHECK(carries_own_credential(lines[3]));
    }
  }
  return 0;
}
