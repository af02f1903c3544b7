#include <cstdint>

#include "base/time.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/keys.h"

namespace vallum::cli {

namespace {

Result<void> rotate(databroker::KeysAtRest& keys) {
  TRY(const bool is_new, keys.begin_rotation(SystemClock().wall()));
  print_answer(is_new ? "a new data key seals what is written from now on\n"
                      : "going on with the rotation that was begun before\n");
  std::uint64_t rows = 0;
  for (bool is_done = false; !is_done;) {
    TRY(const auto step, keys.reseal());
    rows += step.rows;
    is_done = step.is_done;
  }
  print_answer("sealed anew: " + std::to_string(rows) +
               " records; older data keys are forgotten\n");
  return {};
}

}  // namespace

int rotate_keys(const std::string& config) {
  const auto rotated = with_keys(config, rotate);
  return rotated ? 0 : cannot_say(rotated.error());
}

}  // namespace vallum::cli
