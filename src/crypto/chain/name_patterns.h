#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/chain/presented_chain.h"

namespace vallum::crypto {

enum class NameType : std::uint8_t { Dns, Email, IpAddress, Uri, UserPrincipal };

// As configurations spell it, in any case: "dns", "email", "ip_address", "uri",
// "user_principal_name".
std::optional<NameType> find_name_type(std::string_view name);

struct NamePattern {
  NameType type = NameType::Dns;
  std::string pattern;  // RE2; it must describe the whole name

  bool operator==(const NamePattern&) const = default;
};

// Which alternative names a certificate must have: one name, of any type, that one pattern of its
// type describes from its first byte to its last. Without a pattern everything is accepted.
// Immutable.
class NamePatterns {
 public:
  static constexpr std::size_t kPatternsMax = 1000;

  // InvalidInput with the reason when a pattern is none.
  static Result<NamePatterns> make(std::span<const NamePattern> patterns);

  NamePatterns(NamePatterns&&) noexcept;
  NamePatterns& operator=(NamePatterns&&) noexcept;
  ~NamePatterns();

  bool accepts(const AlternativeNames& names) const;

 private:
  struct Native;
  explicit NamePatterns(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::crypto
