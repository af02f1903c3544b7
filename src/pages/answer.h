#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/entropy.h"
#include "http/message.h"
#include "pages/representation.h"
#include "pages/views.h"

namespace vallum::pages {

// A request that is not let through, or that failed. What is left empty gets the words of its
// status.
struct Refusal {
  std::uint16_t status = 403;
  std::string_view reason = {};       // for programs: "Forbidden"
  std::string_view title = {};        // for people
  std::string_view explanation = {};  // for people: why, and what to do
  std::string_view request_id = {};
  std::string_view signed_in_as = {};  // e-mail or user id
  std::string_view sign_out_url = {};
  std::string_view retry_url = {};
  std::string_view login_url = {};            // where a program's user can sign in: JSON only
  std::span<const PolicyView> policies = {};  // on the page and in JSON, where they are told
};

// The answer to a decision; `representation` from choose_representation().
http::Response refuse(const Refusal& refusal, Representation representation, Entropy& entropy);

// The answer to a failure on the way to the application; `representation` from
// choose_failure_representation(). The reason says what failed ("no_healthy_upstream").
http::Response report_failure(const Refusal& failure,
                              Representation representation,
                              Entropy& entropy);

// Why a sign-in came to nothing.
enum class LoginProblem : std::uint8_t {
  ProviderUnreachable,
  ProviderTimeout,
  ProviderAnswer,   // it answered what it must not answer
  ProviderRefused,  // it said no: to the user, or to the code
  AttemptInvalid,   // state, cookie or code do not belong together, or are too old
  StoreUnavailable,
};

// The refusal for it, without request id and URLs.
Refusal refusal_of(LoginProblem problem);

// What the pages below need of their request.
struct PageContext {
  std::string_view request_id;
  Entropy& entropy;
};

http::Response login_loop_page(const LoginLoopView& view, const PageContext& context);
http::Response user_page(const UserView& view, const PageContext& context);
// Signing in is not configured.
http::Response setup_page(const SetupView& view, const PageContext& context);
// The form on it sends a POST to `action`.
http::Response sign_out_page(std::string_view signed_in_as,
                             std::string_view action,
                             const PageContext& context);
http::Response signed_out_page(std::string_view sign_in_url, const PageContext& context);
// Goes to `target` by itself. For the answer to a form: browsers apply form-action to a redirect
// that follows one, and the identity provider is not 'self'. Requires a web address.
http::Response onward_page(std::string_view target, const PageContext& context);

}  // namespace vallum::pages
