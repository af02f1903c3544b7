#include "codec/number.h"

#include <charconv>
#include <cstddef>
#include <limits>

namespace vallum::codec {

namespace {

// A JSON number text taken apart without rounding: 0.DIGITS * 10^exponent, where DIGITS are
// `count` digits from the first that is not zero to the last that is not zero.
class Decimal {
 public:
  explicit Decimal(std::string_view text) : negative_(text.starts_with('-')) {
    text.remove_prefix(negative_ ? 1 : 0);
    const std::size_t e = text.find_first_of("eE");
    mantissa_ = text.substr(0, e);
    const std::size_t point = mantissa_.find('.');
    const std::size_t whole = point == std::string_view::npos ? mantissa_.size() : point;
    const std::size_t first = mantissa_.find_first_of("123456789");
    if (first == std::string_view::npos) {
      mantissa_ = {};  // Zero has no digits, exponent or sign.
      negative_ = false;
      return;
    }
    const std::size_t last = mantissa_.find_last_of("123456789");
    mantissa_ = mantissa_.substr(first, last - first + 1);
    exponent_ = first < whole ? static_cast<std::int64_t>(whole - first)
                              : -static_cast<std::int64_t>(first - whole - 1);
    if (e != std::string_view::npos) {
      add_exponent(text.substr(e + 1));
    }
  }

  bool equals(const Decimal& other) const {
    return negative_ == other.negative_ && exponent_ == other.exponent_ &&
           same_digits(mantissa_, other.mantissa_);
  }

 private:
  void add_exponent(std::string_view text) {
    text.remove_prefix(text.starts_with('+') ? 1 : 0);
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 2;
    if (error != std::errc{} || value > kLimit || value < -kLimit) {
      value = text.starts_with('-') ? -kLimit : kLimit;
    }
    exponent_ += value;
  }

  // Compares digits and skips the point, wherever it stands in either.
  static bool same_digits(std::string_view a, std::string_view b) {
    while (true) {
      a.remove_prefix(a.starts_with('.') ? 1 : 0);
      b.remove_prefix(b.starts_with('.') ? 1 : 0);
      if (a.empty() || b.empty()) {
        return a.empty() && b.empty();
      }
      if (a.front() != b.front()) {
        return false;
      }
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }

  bool negative_;
  std::string_view mantissa_;
  std::int64_t exponent_ = 0;
};

}  // namespace

bool numbers_equal(std::string_view a, std::string_view b) {
  return Decimal(a).equals(Decimal(b));
}

}  // namespace vallum::codec
