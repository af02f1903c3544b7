#include <utility>

#include "base/entropy.h"
#include "base/time.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/store_place.h"
#include "policytools/explain.h"
#include "policytools/stored_session.h"

namespace vallum::cli {

namespace {

// The session as the server of this configuration, on this machine and as this user, knows it.
Result<session::IdentityRef> find_session(config::Settings& settings, const std::string& id) {
  if (settings.storage.type != config::StorageType::File) {
    return fail(ErrorKind::InvalidInput,
                "--session: the sessions of this configuration are in the memory of its server, or "
                "in a database, and are not read: write --user, --groups and --claim");
  }
  const SystemClock clock;
  SystemEntropy entropy;
  TRY(const StorePlace place, find_store(settings));
  const policytools::SessionStore store{
      .directory = place.directory, .keys = place.keys, .records = settings.policy_records};
  Result<session::IdentityRef> identity =
      policytools::read_stored_session(store, id, clock, entropy);
  if (!identity) {
    return fail(identity.error().with_context("--session"));
  }
  return identity;
}

Result<policytools::Explanation> explain(const ExplainArguments& arguments) {
  TRY(auto question, policytools::read_question(arguments.question));
  if (!question.attempt.at) {
    question.attempt.at = SystemClock().wall();
  }
  TRY(config::Settings settings, load_settings(arguments.config));
  session::IdentityRef identity;
  policy::SessionFacts facts;
  if (!arguments.session.empty()) {
    TRY(identity, find_session(settings, arguments.session));
    facts = identity->facts();
    question.session = &facts;
  }
  auto explanation = policytools::explain(settings, std::move(question));
  if (!explanation) {
    return fail(explanation.error().with_context("--route"));
  }
  return explanation;
}

}  // namespace

int explain_policy(const ExplainArguments& arguments) {
  const auto explanation = explain(arguments);
  if (!explanation) {
    return cannot_say(explanation.error());
  }
  print_answer(arguments.as_json ? policytools::explanation_json(*explanation)
                                 : policytools::explanation_text(*explanation));
  return explanation->is_allowed() ? 0 : 1;
}

}  // namespace vallum::cli
