#include "crypto/chain/name_patterns.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <re2/re2.h>

#include "base/strings.h"

namespace vallum::crypto {

namespace {

constexpr auto kTypeNames =
    std::to_array<std::string_view>({"dns", "email", "ip_address", "uri", "user_principal_name"});
// Of one compiled pattern, and of what a match may build on the way.
constexpr std::int64_t kPatternMemoryMax = std::int64_t{1} << 20;

RE2::Options pattern_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryMax);
  return options;
}

}  // namespace

struct NamePatterns::Native {
  struct Compiled {
    NameType type;
    // Each pattern stands alone: joined by "|" the anchors would hold for the first and the last.
    std::unique_ptr<RE2> pattern;
  };
  std::vector<Compiled> compiled;

  bool accept(NameType type, std::string_view name) const {
    return std::ranges::any_of(compiled, [&](const Compiled& each) {
      return each.type == type &&
             RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *each.pattern);
    });
  }
  bool accept_any(NameType type, const std::vector<std::string>& names) const {
    return std::ranges::any_of(names, [&](const std::string& name) { return accept(type, name); });
  }
};

std::optional<NameType> find_name_type(std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kTypeNames, [name](std::string_view known) { return iequals(known, name); });
  return found == kTypeNames.end()
             ? std::nullopt
             : std::optional(static_cast<NameType>(found - kTypeNames.begin()));
}

Result<NamePatterns> NamePatterns::make(std::span<const NamePattern> patterns) {
  if (patterns.size() > kPatternsMax) {
    return fail(ErrorKind::InvalidInput, "more than 1000 patterns of names");
  }
  auto native = std::make_unique<Native>();
  for (const NamePattern& each : patterns) {
    auto compiled = std::make_unique<RE2>(each.pattern, pattern_options());
    if (!compiled->ok()) {
      return fail(ErrorKind::InvalidInput, "not a pattern of RE2: " + compiled->error());
    }
    native->compiled.push_back({.type = each.type, .pattern = std::move(compiled)});
  }
  return NamePatterns(std::move(native));
}

NamePatterns::NamePatterns(std::unique_ptr<Native> native) : native_(std::move(native)) {}
NamePatterns::NamePatterns(NamePatterns&&) noexcept = default;
NamePatterns& NamePatterns::operator=(NamePatterns&&) noexcept = default;
NamePatterns::~NamePatterns() = default;

bool NamePatterns::accepts(const AlternativeNames& names) const {
  if (native_->compiled.empty()) {
    return true;
  }
  const auto accepts_address = [&](const IpAddress& address) {
    return native_->accept(NameType::IpAddress, address.text());
  };
  return native_->accept_any(NameType::Dns, names.dns) ||
         native_->accept_any(NameType::Email, names.email) ||
         native_->accept_any(NameType::Uri, names.uri) ||
         native_->accept_any(NameType::UserPrincipal, names.user_principal) ||
         std::ranges::any_of(names.ip, accepts_address);
}

}  // namespace vallum::crypto
