#include "codec/accept.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "base/strings.h"

namespace vallum::codec {

namespace {

constexpr std::size_t kRangesMax = 100;

struct Range {
  std::string_view type;
  std::string_view subtype;
  double quality = 1;
  std::size_t parameters = 0;
  std::size_t order = 0;

  int specificity() const {
    if (type == "*") {
      return 0;
    }
    return subtype == "*" ? 1 : 2;
  }
  double weight() const {
    return quality + specificity() * 0.00001 + static_cast<double>(parameters) * 0.0001;
  }
  bool fits(std::string_view offer) const {
    const std::size_t slash = offer.find('/');
    switch (specificity()) {
      case 0:
        return true;
      case 1:
        return iequals(type, offer.substr(0, slash));
      default:
        return parameters == 0 && iequals(type, offer.substr(0, slash)) &&
               iequals(subtype, offer.substr(slash + 1));
    }
  }
};

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || kMarks.contains(c);
  });
}

// Takes the text before the next unquoted `separator` off the front. Nothing when a quote is open.
std::optional<std::string_view> take_until(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != separator); ++i) {
    if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == '\\' && quoted) {
      ++i;
    }
  }
  if (quoted) {
    return std::nullopt;
  }
  const std::string_view piece = rest.substr(0, i);
  rest.remove_prefix(std::min(rest.size(), i + 1));
  return piece;
}

std::optional<double> parse_quality(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc{} || stop != end || !(value == value)) {
    return std::nullopt;
  }
  return std::clamp(value, 0.0, 1.0);
}

// Reads one ";name=value" of a range. False when it is malformed.
bool read_parameter(std::string_view text, Range& range) {
  const std::size_t equals = text.find('=');
  const std::string_view name = trim_ows(text.substr(0, equals));
  const std::string_view value =
      equals == std::string_view::npos ? "" : trim_ows(text.substr(equals + 1));
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  if (!is_token(name) || !(quoted || is_token(value))) {
    return false;
  }
  if (!iequals(name, "q")) {
    ++range.parameters;
    return true;
  }
  const auto quality = parse_quality(value);
  range.quality = quality.value_or(0);
  return quality.has_value();
}

std::optional<Range> parse_range(std::string_view text) {
  const auto name = take_until(text, ';');
  if (!name) {
    return std::nullopt;
  }
  const std::string_view full = trim_ows(*name);
  const std::size_t slash = full.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  Range range{.type = full.substr(0, slash), .subtype = full.substr(slash + 1)};
  if (!is_token(range.type) || !is_token(range.subtype) ||
      (range.type == "*" && range.subtype != "*")) {
    return std::nullopt;
  }
  while (!text.empty()) {
    const auto parameter = take_until(text, ';');
    if (!parameter || !read_parameter(*parameter, range)) {
      return std::nullopt;
    }
  }
  return range;
}

// Returns the ranges, heaviest first, or nothing when the header is malformed.
std::optional<std::vector<Range>> parse_ranges(std::string_view accept) {
  std::vector<Range> ranges;
  while (!accept.empty()) {
    const auto element = take_until(accept, ',');
    if (!element || ranges.size() == kRangesMax) {
      return std::nullopt;
    }
    if (trim_ows(*element).empty()) {
      continue;  // RFC 9110 5.6.1.2: empty elements are ignored.
    }
    auto range = parse_range(*element);
    if (!range) {
      return std::nullopt;
    }
    range->order = ranges.size();
    ranges.push_back(*range);
  }
  if (ranges.empty()) {
    ranges.push_back({.type = "*", .subtype = "*"});
  }
  std::ranges::sort(ranges, [](const Range& a, const Range& b) {
    return a.weight() != b.weight() ? a.weight() > b.weight() : a.order < b.order;
  });
  return ranges;
}

// The most specific range that fits the offer says whether it is acceptable at all.
const Range* speaker_for(std::string_view offer, const std::vector<Range>& ranges) {
  const Range* speaker = nullptr;
  for (const Range& range : ranges) {
    if (range.fits(offer) && (speaker == nullptr || range.specificity() > speaker->specificity())) {
      speaker = &range;
    }
  }
  return speaker;
}

// Requires ranges sorted by weight.
AcceptChoice choose(const std::vector<Range>& ranges, std::span<const std::string_view> offers) {
  for (const Range& range : ranges) {
    for (std::size_t i = 0; range.quality > 0 && i < offers.size(); ++i) {
      if (range.fits(offers[i]) && speaker_for(offers[i], ranges)->quality > 0) {
        return {.outcome = AcceptChoice::Outcome::Chosen, .index = i};
      }
    }
  }
  return {.outcome = AcceptChoice::Outcome::None};
}

}  // namespace

AcceptChoice negotiate(std::string_view accept, std::span<const std::string_view> offers) {
  const auto ranges = parse_ranges(accept);
  return ranges ? choose(*ranges, offers)
                : AcceptChoice{.outcome = AcceptChoice::Outcome::Malformed};
}

bool accepts_redirect(std::string_view accept) {
  static constexpr std::array<std::string_view, 6> kOffers = {"text/html",
                                                              "application/json",
                                                              "text/plain",
                                                              "application/grpc-web-text",
                                                              "application/grpc-web+proto",
                                                              "application/grpc+proto"};
  const auto ranges = parse_ranges(accept);
  if (!ranges) {
    return true;
  }
  const AcceptChoice choice = choose(*ranges, kOffers);
  if (choice.outcome == AcceptChoice::Outcome::Chosen) {
    return choice.index == 0;
  }
  const Range* html = speaker_for(kOffers[0], *ranges);
  return html == nullptr || html->quality > 0;
}

bool prefers_json(std::string_view accept) {
  static constexpr std::array<std::string_view, 2> kOffers = {"text/html", "application/json"};
  if (trim_ows(accept).empty()) {
    return false;
  }
  const AcceptChoice choice = negotiate(accept, kOffers);
  return choice.outcome == AcceptChoice::Outcome::Chosen && choice.index == 1;
}

}  // namespace vallum::codec
