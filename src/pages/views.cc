#include "pages/views.h"

#include "pages/document.h"

namespace vallum::pages {
namespace {

struct LoopText {
  std::string_view explanation;
  std::string_view advice;
};

LoopText text_of(LoopCause cause) {
  switch (cause) {
    case LoopCause::CookieNotReturned:
      return {
          "Signing in worked, but this browser does not send back the session cookie it was given.",
          "Allow cookies for this site. If it is shown inside a frame of another site, open it in "
          "a "
          "tab of its own."};
    case LoopCause::ClockSkew:
      return {
          "The clock of this server and that of the identity provider do not agree, so each new "
          "session looks as if it had already ended.",
          "An administrator needs to set the clock of the server (time synchronisation)."};
    case LoopCause::HostMismatch:
      return {
          "The session was issued for another host name than the one this page was opened under.",
          "Open the application under the name it is published as. An administrator may need to "
          "correct the route or the cookie domain."};
    case LoopCause::StoreLag:
      return {"The new session has not reached this server yet.",
              "Wait some seconds and try again. If it stays like this, an administrator needs to "
              "look at "
              "the session store."};
    case LoopCause::Unknown:
      break;
  }
  return {"Signing in worked, but the session is not accepted here.",
          "Try again. If it stays like this, give the request number below to an administrator."};
}

std::string_view verdict_of(const PolicyView& policy) {
  if (policy.deny) {
    return "denies";
  }
  return policy.allow ? "allows" : "does not allow";
}

void append_policies(Document& page, std::span<const PolicyView> policies) {
  if (policies.empty()) {
    return;
  }
  page.heading("What the rules of this application say");
  for (const PolicyView& policy : policies) {
    page.begin_rows();
    page.row("Policy", policy.id.empty() ? "of the application" : policy.id);
    page.row("Answer", verdict_of(policy));
    for (const std::string_view reason : policy.reasons) {
      page.row("Because", reason);
    }
    page.row("Meaning", policy.explanation);
    page.row("What to do", policy.remediation);
    page.end_rows();
  }
}

}  // namespace

std::string error_html(const ErrorView& view, const Frame& frame) {
  Document page(view.title, frame);
  page.paragraph(view.explanation);
  if (!view.signed_in_as.empty()) {
    page.html()
        .markup("<p>You are signed in as <strong>")
        .text(view.signed_in_as)
        .markup("</strong>.</p>\n");
  }
  append_policies(page, view.policies);
  if (!view.retry_url.empty()) {
    page.link(view.retry_url, "Try again");
  }
  if (!view.signed_in_as.empty() && !view.sign_out_url.empty()) {
    page.paragraph("Is this the wrong account? Sign out, and sign in with another one.");
    page.button(view.sign_out_url, "Sign out");
  }
  return page.finish();
}

std::string login_loop_html(const LoginLoopView& view, const Frame& frame) {
  Document page("Signing in does not come to an end", frame);
  const LoopText text = text_of(view.cause);
  page.paragraph(text.explanation);
  page.paragraph(view.detail);
  page.paragraph(text.advice);
  if (!view.retry_url.empty()) {
    page.link(view.retry_url, "Try again");
  }
  return page.finish();
}

std::string user_html(const UserView& view, const Frame& frame) {
  Document page(view.user_id.empty() ? "You are not signed in" : "Your session", frame);
  if (view.user_id.empty()) {
    if (!view.sign_in_url.empty()) {
      page.link(view.sign_in_url, "Sign in");
    }
    return page.finish();
  }
  page.begin_rows();
  page.row("Name", view.name);
  page.row("E-mail", view.email);
  page.row("User", view.user_id);
  page.row("Session", view.session_id);
  page.row("Ends", view.expires);
  for (const std::string_view group : view.groups) {
    page.row("Group", group);
  }
  page.end_rows();
  if (!view.claims.empty()) {
    page.heading("What the identity provider says");
    page.begin_rows();
    for (const ClaimView& claim : view.claims) {
      page.row(claim.name, claim.value);
    }
    page.end_rows();
  }
  if (!view.sign_out_url.empty()) {
    page.button(view.sign_out_url, "Sign out");
  }
  return page.finish();
}

std::string setup_html(const SetupView& view, const Frame& frame) {
  Document page("Signing in is not set up", frame);
  page.paragraph(
      "This application asks its users to sign in, but Vallum has not been told where. An "
      "administrator needs to set these options in the configuration:");
  page.html().markup("<ul>\n");
  for (const std::string_view option : view.missing_options) {
    page.html().markup("<li><code>").text(option).markup("</code></li>\n");
  }
  page.html().markup("</ul>\n");
  return page.finish();
}

std::string sign_out_html(std::string_view signed_in_as,
                          std::string_view action,
                          const Frame& frame) {
  Document page("Sign out?", frame);
  if (!signed_in_as.empty()) {
    page.html()
        .markup("<p>You are signed in as <strong>")
        .text(signed_in_as)
        .markup("</strong>.</p>\n");
  }
  page.paragraph("Signing out ends your session at every application behind this proxy.");
  page.button(action, "Sign out");
  return page.finish();
}

std::string signed_out_html(std::string_view sign_in_url, const Frame& frame) {
  Document page("You are signed out", frame);
  page.paragraph("Your session has ended at every application behind this proxy.");
  if (!sign_in_url.empty()) {
    page.link(sign_in_url, "Sign in again");
  }
  return page.finish();
}

std::string onward_html(std::string_view target, const Frame& frame) {
  Document page("One moment", frame);
  page.link(target, "Continue");
  return page.finish();
}

}  // namespace vallum::pages
