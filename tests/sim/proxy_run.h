#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "sim/dice.h"
#include "sim/ledger.h"
#include "sim/plan.h"
#include "sim/visitor.h"
#include "support/deployment/deployment.h"

namespace vallum::testing {

// What a run came to.
struct RunOutcome {
  std::vector<std::string> violations;
  // Everything that one seed must repeat to the byte.
  std::string records;
  std::string diagnostics;
  // How much happened, so that a test notices a simulation in which nothing does.
  std::size_t replies = 0;
  std::size_t arrivals = 0;
  std::size_t refusals = 0;
  std::size_t streams_revoked = 0;
};

// Carries out one plan: the whole process, its visitors, an application that misbehaves, and
// troubles, on virtual time.
class ProxyRun {
 public:
  explicit ProxyRun(Plan plan);
  ProxyRun(const ProxyRun&) = delete;
  ProxyRun& operator=(const ProxyRun&) = delete;

  RunOutcome run();

 private:
  void break_wires();
  std::string answer(const SimApplication::Request& request);
  Task<void> visit(Visitor* visitor);
  Task<void> make_trouble();
  Task<void> make_trouble(Trouble trouble);
  Task<void> change_policy();
  Task<void> remove_some_session();
  void heal();
  void check_that_nothing_is_left();
  double metric(const std::string& name);

  Plan plan_;
  SimWorld world_;
  Deployment deployment_;
  Ledger ledger_;
  Dice application_dice_;
  Dice trouble_dice_;
  Dice wire_dice_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::size_t cut_ = 0;
  // Last: what runs in them uses everything above.
  async::Scope outside_;
  async::Scope inside_;
};

}  // namespace vallum::testing
