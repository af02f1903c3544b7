#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/keys.h"

namespace vallum::cli {

int list_keys(const std::string& config) {
  const auto listed = with_keys(config, [](databroker::KeysAtRest& keys) -> Result<void> {
    TRY(const auto facts, keys.facts());
    print_answer(key_facts_text(facts));
    return {};
  });
  return listed ? 0 : cannot_say(listed.error());
}

}  // namespace vallum::cli
