#include "sim/plan.h"

#include "sim/dice.h"

namespace vallum::testing {

namespace {

const char* name_of(Action action) {
  switch (action) {
    case Action::SignIn:
      return "sign-in";
    case Action::Get:
      return "get";
    case Action::Post:
      return "post";
    case Action::Pipeline:
      return "pipeline";
    case Action::HalfAHead:
      return "half-a-head";
    case Action::MalformedHead:
      return "malformed-head";
    case Action::WebSocket:
      return "websocket";
    case Action::SignOut:
      return "sign-out";
    case Action::Vanish:
      return "vanish";
    case Action::Idle:
      break;
  }
  return "idle";
}

const char* name_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::UpstreamRefuses:
      return "upstream-refuses";
    case Trouble::UpstreamUnreachable:
      return "upstream-unreachable";
    case Trouble::ProviderDown:
      return "provider-down";
    case Trouble::ProviderHangs:
      return "provider-hangs";
    case Trouble::ProviderRambles:
      return "provider-rambles";
    case Trouble::LaneBlocked:
      return "lane-blocked";
    case Trouble::StoreDown:
      return "store-down";
    case Trouble::PolicyChanges:
      return "policy-changes";
    case Trouble::SessionRemoved:
      break;
  }
  return "session-removed";
}

Plan::Visitor draw_visitor(Dice& dice) {
  Plan::Visitor visitor{.subject = dice.pick({"alice", "alice", "bob", "carol", ""}),
                        .actions = {}};
  if (!visitor.subject.empty()) {
    visitor.actions.push_back(Action::SignIn);
  }
  // Usual things are drawn more often, so that most of a run is traffic that faults can hit.
  const std::size_t count = 3 + dice.roll(6);
  for (std::size_t i = 0; i < count; ++i) {
    visitor.actions.push_back(dice.pick({Action::Get,
                                         Action::Get,
                                         Action::Get,
                                         Action::Post,
                                         Action::Post,
                                         Action::Pipeline,
                                         Action::Pipeline,
                                         Action::WebSocket,
                                         Action::WebSocket,
                                         Action::WebSocket,
                                         Action::WebSocket,
                                         Action::HalfAHead,
                                         Action::MalformedHead,
                                         Action::MalformedHead,
                                         Action::Vanish,
                                         Action::Vanish,
                                         Action::SignIn,
                                         Action::SignOut,
                                         Action::Idle}));
  }
  return visitor;
}

}  // namespace

Plan Plan::draw(std::uint64_t seed) {
  Dice dice(seed * 7919 + 1);
  Plan plan{.seed = seed};
  const std::size_t visitors = 2 + dice.roll(5);
  for (std::size_t i = 0; i < visitors; ++i) {
    plan.visitors.push_back(draw_visitor(dice));
  }
  const std::size_t troubles = dice.roll(10);
  for (std::size_t i = 0; i < troubles; ++i) {
    plan.troubles.push_back(dice.pick({Trouble::UpstreamRefuses,
                                       Trouble::UpstreamUnreachable,
                                       Trouble::ProviderDown,
                                       Trouble::ProviderHangs,
                                       Trouble::ProviderRambles,
                                       Trouble::LaneBlocked,
                                       Trouble::StoreDown,
                                       Trouble::PolicyChanges,
                                       Trouble::PolicyChanges,
                                       Trouble::SessionRemoved,
                                       Trouble::SessionRemoved,
                                       Trouble::SessionRemoved}));
  }
  // A third of the runs has wires that hold: there every answer must come, whatever else happens.
  plan.client_wires_break = dice.roll(3) == 0;
  plan.upstream_wires_break = dice.roll(3) == 0;
  plan.application_misbehaves = dice.roll(2) == 0;
  plan.ends_early = dice.one_in(8);
  plan.lane_bytes = dice.one_in(3) ? 8192 : std::size_t{1} << 20;
  return plan;
}

std::string Plan::text() const {
  std::string text;
  for (const Visitor& visitor : visitors) {
    text += "\n  " + (visitor.subject.empty() ? "somebody" : visitor.subject) + ":";
    for (const Action action : visitor.actions) {
      text.append(" ").append(name_of(action));
    }
  }
  text += "\n  troubles:";
  for (const Trouble trouble : troubles) {
    text.append(" ").append(name_of(trouble));
  }
  text.append(client_wires_break ? ", client wires break" : "")
      .append(upstream_wires_break ? ", upstream wires break" : "")
      .append(application_misbehaves ? ", the application misbehaves" : "")
      .append(ends_early ? ", the process ends early" : "");
  return text;
}

}  // namespace vallum::testing
