#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "policy/decision.h"
#include "policy/facts.h"

namespace vallum::policy {

struct Instructions;

// The compiled rules of one route: flat, immutable, shared by all cores. Compiled by compile() in
// compiler.h.
class Program {
 public:
  // No rules: everything is denied, with no reason. So does a moved-from program.
  Program();
  explicit Program(std::unique_ptr<const Instructions> instructions);
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // Null without rules.
  const Instructions* instructions() const { return instructions_.get(); }

 private:
  std::unique_ptr<const Instructions> instructions_;
};

// The types of the records that criteria of the program look at, each once; whoever decides loads
// them first. Borrows from the program.
std::span<const std::string_view> wanted_records(const Program& program);

// Total: every program and every set of facts have an answer. Allocates nothing and does not
// recurse. The decision borrows from the program. Policy specification 1.4.
Decision decide(const Program& program, const Facts& facts);

}  // namespace vallum::policy
