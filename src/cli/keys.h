#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "databroker/store/keys_at_rest.h"

namespace vallum::cli {

// Gives the keys of a configuration's store to `use`, whoever has the store: opened here when it is
// a database or no process has the file, else through the process that has it. Makes no store.
Result<void> with_keys(const std::string& config_file,
                       const std::function<Result<void>(databroker::KeysAtRest&)>& use);

// For people.
std::string key_facts_text(const databroker::KeyFacts& facts);

}  // namespace vallum::cli
