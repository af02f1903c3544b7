#include "policytools/eval.h"

#include <optional>

#include "base/strings.h"
#include "scenario/corpus.h"

namespace vallum::policytools {

namespace {

// "FILE:LINE:COL: why", where the line is one of the file and the column one of the line.
std::string place_text(const std::string& name, const Line& line, const codec::ReadError& error) {
  std::string text = name;
  append_all(text,
             {":",
              std::to_string(line.number),
              ":",
              std::to_string(error.position.column),
              ": ",
              error.text});
  return text;
}

std::string failure_text(const std::string& name,
                         const Line& line,
                         const scenario::CaseResult& result) {
  std::string text = result.id.empty() ? name + ":" + std::to_string(line.number) : result.id;
  append_all(text, {" failed\n  expected ", result.expected, "\n  got      ", result.got, "\n"});
  return text;
}

}  // namespace

Result<EvalCounts> eval_cases(LineReader& lines, const std::string& name, Print& print) {
  const policy::CompileOptions options = scenario::case_options();
  EvalCounts counts;
  while (true) {
    TRY(const std::optional<Line> line, lines.next());
    if (!line) {
      break;
    }
    if (!line->is_too_long && trim_space(line->text).empty()) {
      continue;
    }
    if (line->is_too_long) {
      ++counts.failed;
      print(name + ":" + std::to_string(line->number) + ":1: the line is longer than " +
            std::to_string(LineReader::kLineBytesMax) + " bytes\n");
      continue;
    }
    const auto result = scenario::run_case(line->text, options);
    if (!result) {
      ++counts.failed;
      print(place_text(name, *line, result.error()) + "\n");
      continue;
    }
    ++(result->passed ? counts.passed : counts.failed);
    if (!result->passed) {
      print(failure_text(name, *line, *result));
    }
  }
  if (counts.passed + counts.failed == 0) {
    return fail(ErrorKind::InvalidInput, "holds no case: write one JSON object per line");
  }
  print(std::to_string(counts.passed) + " passed, " + std::to_string(counts.failed) + " failed\n");
  return counts;
}

}  // namespace vallum::policytools
