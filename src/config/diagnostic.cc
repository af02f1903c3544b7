#include "config/diagnostic.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vallum::config {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::UnknownKey:
      return "unknown-key";
    case Severity::Warning:
      break;
  }
  return "warning";
}

std::string Diagnostic::text() const {
  std::string line = where;
  line.append(line.empty() ? "" : ": ").append(message);
  if (!cure.empty()) {
    line.append("; ").append(cure);
  }
  return line;
}

bool has_errors(const Diagnostics& diagnostics) {
  return std::ranges::any_of(diagnostics,
                             [](const Diagnostic& d) { return d.severity == Severity::Error; });
}

std::uint32_t Report::add_source(std::string name) {
  sources_.push_back(std::move(name));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

std::string Report::where(const Place& place) const {
  return config::where(sources_, place);
}

std::string where(const std::vector<std::string>& sources, const Place& place) {
  if (place.source >= sources.size()) {
    return {};
  }
  std::string text = sources[place.source];
  if (place.at.line != 0) {
    text.append(":").append(std::to_string(place.at.line));
    text.append(":").append(std::to_string(place.at.column));
  }
  return text;
}

void Report::add(
    Severity severity, Place place, std::string option, std::string message, std::string cure) {
  diagnostics_.push_back({.severity = severity,
                          .place = place,
                          .where = where(place),
                          .option = std::move(option),
                          .message = std::move(message),
                          .cure = std::move(cure)});
}

void Report::error(Place place, std::string option, std::string message, std::string cure) {
  add(Severity::Error, place, std::move(option), std::move(message), std::move(cure));
}

void Report::warn(Place place, std::string option, std::string message, std::string cure) {
  add(Severity::Warning, place, std::move(option), std::move(message), std::move(cure));
}

void Report::unknown(Place place, std::string option, std::string message, std::string cure) {
  add(Severity::UnknownKey, place, std::move(option), std::move(message), std::move(cure));
}

Diagnostics Report::take() {
  Diagnostics taken = std::exchange(diagnostics_, {});
  sort_by_place(taken);
  return taken;
}

void sort_by_place(Diagnostics& diagnostics) {
  std::vector<std::size_t> order(diagnostics.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const Diagnostic& x = diagnostics[a];
    const Diagnostic& y = diagnostics[b];
    return std::tie(x.place.source, x.place.at.line, x.place.at.column, x.severity, a) <
           std::tie(y.place.source, y.place.at.line, y.place.at.column, y.severity, b);
  });
  Diagnostics sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) {
    sorted.push_back(std::move(diagnostics[i]));
  }
  diagnostics = std::move(sorted);
}

}  // namespace vallum::config
