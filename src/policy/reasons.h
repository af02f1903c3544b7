#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string_view>

namespace vallum::policy {

// Why a criterion held or did not. Members are in code-point order of their names, so that a set
// walked upwards is sorted as logs and audit lines want it; a new member goes where its name sorts.
enum class Reason : std::uint8_t {
  Accept,
  ClaimOk,
  ClaimUnauthorized,
  ClientCertificateOk,
  ClientCertificateRequired,
  ClientCertificateUnauthorized,
  CorsRequest,
  DateOk,
  DateUnauthorized,
  DayOfWeekOk,
  DayOfWeekUnauthorized,
  DeviceOk,
  DeviceUnauthenticated,
  DeviceUnauthorized,
  DomainOk,
  DomainUnauthorized,
  EmailOk,
  EmailUnauthorized,
  GroupsOk,
  GroupsUnauthorized,
  HttpMethodOk,
  HttpMethodUnauthorized,
  HttpPathOk,
  HttpPathUnauthorized,
  InvalidClientCertificate,
  McpNotAToolCall,
  McpToolMatch,
  McpToolNoMatch,
  NonCorsRequest,
  NonPomeriumRoute,
  PomeriumRoute,
  RecordOk,
  RecordUnauthorized,
  Reject,
  RouteNotFound,
  SourceIpOk,
  SourceIpUnauthorized,
  SshPublickeyOk,
  SshPublickeyUnauthorized,
  SshUsernameOk,
  SshUsernameUnauthorized,
  TimeOfDayOk,
  TimeOfDayUnauthorized,
  UserOk,
  UserUnauthenticated,
  UserUnauthorized,
  ValidClientCertificate,
};

inline constexpr std::size_t kReasonCount =
    static_cast<std::size_t>(Reason::ValidClientCertificate) + 1;
static_assert(kReasonCount <= 64, "a ReasonSet is one machine word");

// The name as written in logs: "user-unauthenticated".
std::string_view to_string(Reason reason);
std::optional<Reason> find_reason(std::string_view name);

// A set of reasons in one word: union is "or", and walking it gives the names sorted.
class ReasonSet {
 public:
  class Iterator {
   public:
    using value_type = Reason;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const Reason*;
    using reference = Reason;

    constexpr Iterator() = default;
    constexpr explicit Iterator(std::uint64_t left) : left_(left) {}
    constexpr Reason operator*() const { return static_cast<Reason>(std::countr_zero(left_)); }
    constexpr Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    constexpr Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    std::uint64_t left_ = 0;
  };

  constexpr ReasonSet() = default;
  constexpr ReasonSet(std::initializer_list<Reason> reasons) {
    for (const Reason reason : reasons) {
      insert(reason);
    }
  }

  constexpr void insert(Reason reason) { bits_ |= bit(reason); }
  constexpr bool contains(Reason reason) const { return (bits_ & bit(reason)) != 0; }
  constexpr bool intersects(ReasonSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
  constexpr std::uint64_t bits() const { return bits_; }

  constexpr ReasonSet& operator|=(ReasonSet other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr ReasonSet operator|(ReasonSet a, ReasonSet b) { return a |= b; }
  constexpr bool operator==(const ReasonSet&) const = default;

  constexpr Iterator begin() const { return Iterator(bits_); }
  constexpr Iterator end() const { return Iterator(); }

 private:
  static constexpr std::uint64_t bit(Reason reason) {
    return std::uint64_t{1} << static_cast<unsigned>(reason);
  }

  std::uint64_t bits_ = 0;
};

}  // namespace vallum::policy
