#include "admin/health.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vallum::admin {

namespace {

using Status = CheckReport::Status;

}  // namespace

Health::Health(async::Core& control, std::span<const std::string_view> required)
    : control_(control), required_(required.begin(), required.end()) {
  std::ranges::sort(required_);
}

void Health::report(std::string check, CheckReport report) {
  if (control_.on_home_core()) {
    apply(std::move(check), std::move(report));
    return;
  }
  control_.post([this, check = std::move(check), report = std::move(report)]() mutable {
    apply(std::move(check), std::move(report));
  });
}

void Health::apply(std::string check, CheckReport report) {
  CheckReport& kept = checks_[std::move(check)];
  // The end is final: a part that reports once more on its way out does not look alive again.
  if (kept.status == Status::Terminating) {
    report.status = Status::Terminating;
  }
  if (kept != report) {
    kept = std::move(report);
    tell();
  }
}

void Health::tell() {
  for (Watch* const watch : watches_) {
    watch->changed_();
  }
}

void Health::terminating() {
  if (!control_.on_home_core()) {
    control_.post([this] { terminating(); });
    return;
  }
  for (auto& [name, check] : checks_) {
    check.status = Status::Terminating;
  }
  tell();
}

bool Health::is_started() const {
  return std::ranges::all_of(required_, [this](const std::string& name) {
    const auto found = checks_.find(name);
    return found != checks_.end() && found->second.status != Status::Unknown;
  });
}

bool Health::is_ready() const {
  return std::ranges::all_of(required_, [this](const std::string& name) {
    const auto found = checks_.find(name);
    return found != checks_.end() && found->second.status == Status::Running &&
           found->second.error.empty();
  });
}

bool Health::is_live() const {
  return std::ranges::all_of(required_, [this](const std::string& name) {
    const auto found = checks_.find(name);
    return found != checks_.end() && found->second.status != Status::Unknown &&
           found->second.error.empty();
  });
}

}  // namespace vallum::admin
