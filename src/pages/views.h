#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pages/document.h"

namespace vallum::pages {

// What one of the policies of a route made of a request. Names only: no value of anybody.
struct PolicyView {
  std::string_view id = {};           // "" for the route's own rules
  std::string_view explanation = {};  // for people, as its author wrote it
  std::string_view remediation = {};
  bool allow = false;
  bool deny = false;
  // Why, by the names that records use: "email-unauthorized".
  std::vector<std::string_view> reasons = {};
};

// A page that says that something did not work: what, why, for whom, and what to do.
struct ErrorView {
  std::string_view title = {};
  std::string_view explanation = {};
  std::string_view signed_in_as = {};  // e-mail or user id; empty: nobody
  std::string_view sign_out_url = {};  // target of the form offered to somebody who is signed in
  std::string_view retry_url = {};     // empty: nothing to retry
  std::span<const PolicyView> policies = {};
};

// Why a browser keeps coming back without the session it was given.
enum class LoopCause : std::uint8_t {
  CookieNotReturned,
  ClockSkew,
  HostMismatch,
  StoreLag,
  Unknown,
};

struct LoginLoopView {
  LoopCause cause = LoopCause::Unknown;
  std::string_view detail = {};  // e.g. both host names, or both times
  std::string_view retry_url = {};
};

struct ClaimView {
  std::string_view name = {};
  std::string_view value = {};
};

struct UserView {
  std::string_view email = {};
  std::string_view name = {};
  std::string_view user_id = {};  // empty: nobody is signed in
  std::string_view session_id = {};
  std::string_view expires = {};
  std::span<const std::string_view> groups = {};
  std::span<const ClaimView> claims = {};
  std::string_view sign_in_url = {};   // offered to nobody
  std::string_view sign_out_url = {};  // offered to somebody
};

// What is missing before anybody can sign in: one option per line.
struct SetupView {
  std::span<const std::string_view> missing_options = {};
};

std::string error_html(const ErrorView& view, const Frame& frame);
std::string login_loop_html(const LoginLoopView& view, const Frame& frame);
std::string user_html(const UserView& view, const Frame& frame);
std::string setup_html(const SetupView& view, const Frame& frame);
// Asks before signing out: `action` gets a POST.
std::string sign_out_html(std::string_view signed_in_as,
                          std::string_view action,
                          const Frame& frame);
std::string signed_out_html(std::string_view sign_in_url, const Frame& frame);
// A stop on the way to `target`, for where a redirect cannot be used.
std::string onward_html(std::string_view target, const Frame& frame);

}  // namespace vallum::pages
