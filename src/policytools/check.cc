#include "policytools/check.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "policytools/lint.h"

namespace vallum::policytools {

config::CheckAnswer check_file(const std::string& path,
                               bool strict,
                               const config::LoadContext& context) {
  config::LoadContext keeping = context;
  keeping.keep_written_policies = true;
  config::Loaded loaded = config::load_file(path, keeping);
  if (loaded.settings) {
    config::Diagnostics more = lint(*loaded.settings);
    std::ranges::move(more, std::back_inserter(loaded.diagnostics));
    config::sort_by_place(loaded.diagnostics);
  }
  return config::answer_check(path, loaded.diagnostics, strict);
}

}  // namespace vallum::policytools
