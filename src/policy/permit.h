#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace vallum::authorize {
class Authorizer;
}  // namespace vallum::authorize

namespace vallum::policy {

// One request and its answer. Unique within the process.
enum class ExchangeId : std::uint64_t {};
// Place of a route in its generation's table.
enum class RouteIndex : std::uint32_t {};
// Which swap of configuration a route index belongs to.
enum class GenerationId : std::uint64_t {};
// Stands for the session id without keeping a copy of it; anonymous is the tag of "".
enum class SessionTag : std::uint64_t {};

inline SessionTag session_tag(std::string_view session_id) {
  return static_cast<SessionTag>(std::hash<std::string_view>{}(session_id));
}

// What one permission covers: this request, to this route of this generation, as this session.
struct PermitTerms {
  ExchangeId exchange{};
  GenerationId generation{};
  RouteIndex route{};
  SessionTag session{};

  bool operator==(const PermitTerms&) const = default;
};

// The only key to the forwarder: proof that policy allowed one request. Only the authorizer makes
// one; it moves and never copies, and a moved-from or redeemed permit opens nothing.
//
//   Async<void> Forwarder::forward(Permit permit, Request request) {
//     CHECK(permit.redeem(terms_of(request)));
class Permit {
 public:
  Permit(Permit&& other) noexcept : terms_(std::exchange(other.terms_, std::nullopt)) {}
  Permit& operator=(Permit&& other) noexcept {
    // Taken first, so that moving onto itself changes nothing.
    std::optional<PermitTerms> taken = std::exchange(other.terms_, std::nullopt);
    terms_ = taken;
    return *this;
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() = default;

  // False once moved from or redeemed.
  bool is_live() const { return terms_.has_value(); }

  // For long connections, which are checked again and again: looks without using up.
  bool covers(const PermitTerms& terms) const { return terms_ == terms; }

  // Uses the permit up. Returns whether it was live and covers exactly these terms.
  [[nodiscard]] bool redeem(const PermitTerms& terms) {
    const std::optional<PermitTerms> held = std::exchange(terms_, std::nullopt);
    return held == terms;
  }

 private:
  friend class authorize::Authorizer;
  explicit Permit(const PermitTerms& terms) noexcept : terms_(terms) {}

  std::optional<PermitTerms> terms_;
};

}  // namespace vallum::policy
