#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "authenticate/parameters.h"
#include "authenticate/signed_url.h"
#include "base/check.h"
#include "base/strings.h"

namespace vallum::authenticate {
namespace {

constexpr WallTime kNow(std::chrono::seconds(1700000000));

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

// What a signed URL says, whatever its spelling: pairs in order of their names, without signature.
std::string meaning_of(codec::Query query) {
  query.remove(parameter::kSignature);
  return query.encode();
}

bool has_duplicates(const codec::Query& query) {
  return std::ranges::any_of(query.pairs(), [&](const codec::Query::Pair& pair) {
    return pair.first.starts_with("pomerium_") && query.all(pair.first).size() > 1;
  });
}

// No byte of the query can be another one, unless it spells the same parameters. One byte in twelve
// is tried, others for other inputs, so that an execution stays fast.
void check_mutations(UrlSigner& signer, std::string_view base, const std::string& query) {
  const std::string meaning = meaning_of(*codec::Query::parse(query));
  const std::size_t step = 1 + query.size() / 12;
  for (std::size_t at = static_cast<unsigned char>(query.back()) % step; at < query.size();
       at += step) {
    std::string changed = query;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 6)));
    const Result<codec::Query> accepted = signer.verify(base, changed, kNow);
    if (accepted) {
      CHECK(meaning_of(*accepted) == meaning);
    }
  }
}

// Nothing that was not signed is accepted; what is signed is accepted for its base alone, in its
// time alone, and says what was signed.
void check_input(std::string_view rest) {
  std::string_view late_text = take_line(rest);
  const std::string base(take_line(rest));
  const std::string_view query = rest;
  const bool early = late_text.starts_with("-");
  late_text.remove_prefix(early ? 1 : 0);
  constexpr std::uint64_t kLateMax = 1'000'000;
  const std::chrono::seconds late{
      static_cast<std::int64_t>(std::min(parse_u64(late_text).value_or(0), kLateMax))};
  const WallTime then = early ? kNow - late : kNow + late;
  UrlSigner signer{Secret(std::string_view("0123456789abcdef0123456789abcdef"))};
  UrlSigner stranger{Secret(std::string_view("fedcba9876543210fedcba9876543210"))};

  CHECK(!signer.verify(base, query, then));

  const Result<codec::Query> parsed = codec::Query::parse(query);
  if (!parsed) {
    return;
  }
  const std::string url = signer.sign(base, *parsed, kNow);
  CHECK(url.starts_with(base + "?"));
  const std::string signed_query = url.substr(base.size() + 1);
  const Result<codec::Query> read = codec::Query::parse(signed_query);
  const bool acceptable = read && !has_duplicates(*read);
  const bool in_time =
      then >= kNow - UrlSigner::kLeeway && then <= kNow + UrlSigner::kLifetime + UrlSigner::kLeeway;
  const Result<codec::Query> accepted = signer.verify(base, signed_query, then);
  CHECK(accepted.has_value() == (acceptable && in_time));
  CHECK(!stranger.verify(base, signed_query, kNow));
  CHECK(!signer.verify(base + "x", signed_query, kNow));
  if (!base.empty()) {
    CHECK(!signer.verify(base.substr(0, base.size() / 2), signed_query, kNow));
  }
  if (!acceptable) {
    return;
  }
  if (accepted) {
    CHECK(meaning_of(*accepted) == meaning_of(*read));
  }
  check_mutations(signer, base, signed_query);
}

}  // namespace
}  // namespace vallum::authenticate

// Lines of the input are how many seconds late a URL is looked at (or "-" and how many early), its
// base, and its query.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vallum::authenticate::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
