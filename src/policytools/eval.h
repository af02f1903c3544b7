#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_function.h"
#include "policytools/line_reader.h"

namespace vallum::policytools {

// Takes pieces of a tool's answer, each of whole lines.
using Print = UniqueFunction<void(std::string_view)>;

struct EvalCounts {
  std::size_t passed = 0;
  // With the lines that are no case.
  std::size_t failed = 0;
};

// Runs the cases of a file (policy specification, appendix A), prints each that fails with what was
// expected and what came instead, and each line that is no case with its place, and at last how
// many did what. Blank lines are none. Fails when the file cannot be read or holds no case.
Result<EvalCounts> eval_cases(LineReader& lines, const std::string& name, Print& print);

}  // namespace vallum::policytools
