#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/keys.h"

namespace vallum::cli {

int rewrap_keys(const std::string& config) {
  const auto rewrapped = with_keys(config, [](databroker::KeysAtRest& keys) -> Result<void> {
    TRY(const bool changed, keys.rewrap());
    TRY(const auto facts, keys.facts());
    const std::string active = crypto::key_id_text(facts.active);
    print_answer(changed ? "the data keys are now wrapped by " + active + "\n"
                         : "the data keys were wrapped by " + active + " already\n");
    return {};
  });
  return rewrapped ? 0 : cannot_say(rewrapped.error());
}

}  // namespace vallum::cli
